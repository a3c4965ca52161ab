import { nearest } from '../lib/nearest.ts'
import { configKeys } from './schema.ts'
import { type Assignment, type ConfigFault, didYouMean, fromText, keyNamed, type Layer, suggestKey } from './source.ts'

/** Flags that say what to load, beside those named after keys. */
const loaderFlags = ['config', 'profile'] as const

export interface Flags extends Layer {
  /** `--config FILE`. */
  readonly file?: string
  /** `--profile NAME`. */
  readonly profile?: string
}

/** Read `--key value`, `--key=value`, and `--key` alone for keys that are true or false. The last one of a key counts. */
export function readFlags(argv: readonly string[]): Flags {
  const assignments: Assignment[] = []
  const faults: ConfigFault[] = []
  const chosen: { file?: string; profile?: string } = {}
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] ?? ''
    const [, name, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? []
    if (name === undefined) {
      faults.push({ source: argument, text: 'unexpected argument; settings are written as --log.level debug' })
      continue
    }
    const next = argv[at + 1]
    const key = keyNamed(name)
    const standsAlone = key?.setting.kind === 'flag' && next !== 'true' && next !== 'false'
    const takesNext = inline === undefined && !standsAlone && next !== undefined && !next.startsWith('--')
    if (takesNext) at++
    const value = inline ?? (takesNext ? next : standsAlone ? 'true' : undefined)
    const known = key !== undefined || name === 'config' || name === 'profile'
    if (!known) {
      const meant = nearest(name, [...configKeys.map((other) => other.name), ...loaderFlags]) ?? suggestKey(name)
      faults.push({ source: `--${name}`, text: `unknown flag${didYouMean(meant && `--${meant}`)}` })
    } else if (value === undefined || value === '') {
      faults.push({ source: `--${name}`, text: `needs a value; expected ${key?.setting.expected ?? 'a name'}` })
    } else if (name === 'config') chosen.file = value
    else if (name === 'profile') chosen.profile = value
    else if (key) assignments.push({ key, raw: fromText(key.setting, value), source: `--${name}` })
  }
  return { assignments, faults, ...chosen }
}
