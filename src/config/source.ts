import { nearest } from '../lib/nearest.ts'
import { type ConfigKey, configKeys } from './schema.ts'
import type { Setting } from './setting.ts'

/** One thing that is wrong with the configuration, with the place where it was written. */
export interface ConfigFault {
  /** `gateway.yaml:12`, `CPG_LOG_LEVEL`, `--log.level`; empty when no one place is to blame. */
  readonly source: string
  readonly text: string
}

/** A value that a source gives to a key, not validated yet. */
export interface Assignment {
  readonly key: ConfigKey
  readonly raw: unknown
  readonly source: string
}

/** What one source (a file, the environment, the flags) says. */
export interface Layer {
  readonly assignments: readonly Assignment[]
  readonly faults: readonly ConfigFault[]
}

const byName = new Map(configKeys.map((key) => [key.name, key]))
const byEnv = new Map(configKeys.map((key) => [key.env, key]))

export function keyNamed(name: string): ConfigKey | undefined {
  return byName.get(name)
}

export function keyOfVariable(variable: string): ConfigKey | undefined {
  return byEnv.get(variable)
}

/** The key that was most likely meant: the same last part elsewhere (`level` -> `log.level`), or a slip of a few letters. */
export function suggestKey(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf('.') + 1)
  const elsewhere = configKeys.filter((key) => key.name.endsWith(`.${last}`))
  if (elsewhere.length === 1) return elsewhere[0]?.name
  const group = name.slice(0, name.lastIndexOf('.') + 1)
  const within = configKeys.filter((key) => group !== '' && key.name.startsWith(group)).map((key) => key.name)
  return nearest(name, within) ?? nearest(name, byName.keys())
}

export function didYouMean(name: string | undefined): string {
  return name === undefined ? '; `config doc` lists every key' : `; did you mean ${name}?`
}

/** The written form of a value that came as text: from a variable, a flag, or an unquoted YAML scalar. */
export function fromText(setting: Setting, text: string): unknown {
  switch (setting.kind) {
    case 'integer':
      return /^-?\d+$/.test(text) ? Number(text) : text
    case 'flag':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'list':
    case 'tokens':
      return text.startsWith('[')
        ? listFromJson(text)
        : text
            .split(',')
            .map((item) => item.trim())
            .filter((item) => item !== '')
    default:
      return text
  }
}

function listFromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // Not JSON: the text itself is no list, so the setting refuses it and says what it expects.
    if (error instanceof SyntaxError) return text
    throw error
  }
}
