import { configExample, configJsonSchema, configMarkdown } from '../config/document.ts'
import { configError } from '../config/load.ts'
import { printConfig, printConfigJson } from '../config/print.ts'
import { nearest } from '../lib/nearest.ts'
import type { Command, Io } from './io.ts'
import { readConfig } from './read-config.ts'
import { configUsage } from './usage.ts'

function check(argv: readonly string[], io: Io): number {
  const loaded = readConfig(argv, io)
  if (!loaded.ok) throw configError(loaded.faults)
  for (const notice of loaded.notices) io.err(`${notice}\n`)
  const set = loaded.values.filter(({ origin }) => origin !== 'default').length
  const files = loaded.files.length === 0 ? 'no file' : loaded.files.join(', ')
  io.out(`The configuration is valid (${files}; ${set} of ${loaded.values.length} keys set).\n`)
  return 0
}

function print(argv: readonly string[], io: Io): number {
  const json = argv.includes('--json')
  const loaded = readConfig(
    argv.filter((argument) => argument !== '--json'),
    io
  )
  if (!loaded.ok) throw configError(loaded.faults)
  io.out(`${json ? printConfigJson(loaded.values) : printConfig(loaded.values)}\n`)
  return 0
}

function generated(text: () => string): (argv: readonly string[], io: Io) => number {
  return (argv, io) => {
    if (argv.length > 0) {
      io.err(`Unexpected argument ${argv.join(' ')}\n`)
      return 2
    }
    io.out(text())
    return 0
  }
}

const subcommands: ReadonlyMap<string, (argv: readonly string[], io: Io) => number> = new Map([
  ['check', check],
  ['print', print],
  ['doc', generated(configMarkdown)],
  ['schema', generated(configJsonSchema)],
  ['example', generated(configExample)]
])

export const configCommand: Command = {
  summary: 'Check, print or document the configuration.',
  usage: `
Usage: charge-point-gateway config check   [FLAGS]           validate, and tell every fault with its line
       charge-point-gateway config print   [--json] [FLAGS]  the values in force and where each was set; secrets masked
       charge-point-gateway config doc                       every key, as Markdown
       charge-point-gateway config schema                    JSON Schema of gateway.yaml, for editors
       charge-point-gateway config example                   a gateway.yaml with every key, commented out
${configUsage}`,
  async run(argv, io) {
    const [name = '', ...rest] = argv
    const subcommand = subcommands.get(name)
    if (subcommand) return subcommand(rest, io)
    const meant = nearest(name, subcommands.keys())
    const hint = meant === undefined ? `one of ${[...subcommands.keys()].join(', ')}` : `did you mean ${meant}?`
    io.err(`${name === '' ? 'config needs to know what to do' : `There is no config ${name}`}: ${hint}\n`)
    return 2
  }
}
