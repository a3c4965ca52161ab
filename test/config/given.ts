import { type Loaded, loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'

/** Where settings come from; files by their names. */
export interface Given {
  readonly argv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

export function load({ argv = [], env = {}, files = {} }: Given = {}): Loaded {
  return loadConfig({
    argv,
    env,
    hostName: 'gw-host',
    readFile: (file) => {
      const text = files[file]
      if (text === undefined) throw Object.assign(new Error(`no ${file}`), { code: 'ENOENT' })
      return text
    }
  })
}

export function configOf(given?: Given): Config {
  const loaded = load(given)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  return loaded.config
}

export function faultsOf(given: Given): string[] {
  const loaded = load(given)
  return loaded.ok ? [] : loaded.faults.map(({ source, text }) => `${source}: ${text}`)
}
