import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { type Loaded, loadConfig } from '../config/load.ts'
import type { Io } from './io.ts'

/** Load the configuration of this machine: its files, environment and these flags. */
export function readConfig(argv: readonly string[], io: Io): Loaded {
  return loadConfig({
    argv,
    env: io.env,
    hostName: hostname(),
    readFile: (file) => readFileSync(file, 'utf8')
  })
}
