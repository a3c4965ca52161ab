import { dirname, join } from 'node:path'
import { GatewayError } from '../lib/gateway-error.ts'
import { checks } from './checks.ts'
import { withoutPasswords } from './masked.ts'
import { readEnv } from './read-env.ts'
import { readFlags } from './read-flags.ts'
import { readYaml } from './read-yaml.ts'
import { type Config, type ConfigKey, configKeys } from './schema.ts'
import type { Assignment, ConfigFault, Layer } from './source.ts'

/** All that loading depends on; nothing else is read. */
export interface LoadInput {
  /** Flags alone, without the command's name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly hostName: string
  /** Throws an error with `code: 'ENOENT'` for a file that is not there. */
  readFile(file: string): string
}

/** A key with the value in force, as written, and where it was set. */
export interface EffectiveValue {
  readonly key: ConfigKey
  readonly written: unknown
  /** `default`, or the source that won: `gateway.yaml:12`, `CPG_LOG_LEVEL`, `--log.level`. */
  readonly origin: string
}

export type Loaded =
  | {
      readonly ok: true
      readonly config: Config
      readonly values: readonly EffectiveValue[]
      /** Configuration files that were read, lowest first. */
      readonly files: readonly string[]
      /** One line each, to be logged at start. */
      readonly notices: readonly string[]
    }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] }

type Files = Layer & { readonly files: readonly string[] }

/** Load the configuration: defaults < gateway.yaml < gateway.<profile>.yaml < environment < flags. All faults are found at once. */
export function loadConfig(input: LoadInput): Loaded {
  const flags = readFlags(input.argv)
  const env = readEnv(input.env)
  const files = readFiles(
    input,
    flags.file ?? given(input.env.CPG_CONFIG),
    flags.profile ?? given(input.env.CPG_PROFILE)
  )
  const faults: ConfigFault[] = [...files.faults, ...env.faults, ...flags.faults]
  const inForce = new Map<string, EffectiveValue>()
  for (const layer of [files, env, flags]) faults.push(...applyLayer(inForce, layer.assignments, input))

  const values: EffectiveValue[] = []
  const config: Record<string, unknown> = {}
  for (const key of configKeys) {
    if (key.fileOf !== undefined) continue
    const value = inForce.get(key.name) ?? { key, written: defaultOf(key, input), origin: 'default' }
    values.push(value)
    const parsed = key.setting.value.safeParse(value.written)
    if (parsed.success) place(config, key, parsed.data)
    else faults.push(faultOf(key.name, value.origin, badValue(key, value.written)))
  }
  if (faults.length > 0) return { ok: false, faults }

  const whole = config as unknown as Config
  for (const check of checks) {
    const text = check.fault(whole)
    const source = [check.key, ...check.with].map((name) => inForce.get(name)?.origin).find(Boolean) ?? ''
    if (text !== undefined) faults.push(faultOf(check.key, source, text))
  }
  if (faults.length > 0) return { ok: false, faults }
  return { ok: true, config: whole, values, files: files.files, notices: noticesOf(env.injected) }
}

/** The error of a configuration that stops the start: one line for each fault. */
export function configError(faults: readonly ConfigFault[]): GatewayError {
  const lines = faults.map(({ source, text }) => (source === '' ? text : `${source}: ${text}`))
  return new GatewayError('bad_configuration', lines.join('\n'))
}

function given(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value
}

function readFiles(input: LoadInput, named: string | undefined, profile: string | undefined): Files {
  const main = named ?? 'gateway.yaml'
  const read: Files[] = [readOne(input, main, named === undefined)]
  if (profile !== undefined) {
    if (/^[A-Za-z0-9_-]+$/.test(profile)) {
      // The schema's promise: no setting without effect. A profile without its file would be one.
      read.push(readOne(input, join(dirname(main), `gateway.${profile}.yaml`), false))
    } else {
      const text = `${JSON.stringify(profile)} is no profile name; use letters, digits, - and _`
      read.push({ assignments: [], files: [], faults: [{ source: 'profile', text }] })
    }
  }
  return {
    assignments: read.flatMap(({ assignments }) => assignments),
    faults: read.flatMap(({ faults }) => faults),
    files: read.flatMap(({ files }) => files)
  }
}

function readOne(input: LoadInput, file: string, optional: boolean): Files {
  const content = contentOf(input, file)
  if ('text' in content) return { ...readYaml(file, content.text), files: [file] }
  if (optional && content.code === 'ENOENT') return { assignments: [], faults: [], files: [] }
  return { assignments: [], faults: [{ source: file, text: content.problem }], files: [] }
}

function contentOf(
  input: LoadInput,
  file: string
): { readonly text: string } | { readonly code: string; readonly problem: string } {
  try {
    return { text: input.readFile(file) }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    const problems: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EACCES: 'may not be read by this user; change its owner or mode',
      EISDIR: 'is a folder, not a file'
    }
    return { code, problem: problems[code] ?? `cannot be read: ${String(error)}` }
  }
}

/** A layer overrides those before it; a secret and its file are one key, so naming both in one layer is a fault. */
function applyLayer(
  inForce: Map<string, EffectiveValue>,
  assignments: readonly Assignment[],
  input: LoadInput
): ConfigFault[] {
  const faults: ConfigFault[] = []
  const files = new Map<string, Assignment>()
  for (const assignment of assignments) {
    const { key, raw, source } = assignment
    if (key.fileOf === undefined) inForce.set(key.name, { key, written: raw, origin: source })
    else files.set(key.fileOf, assignment)
  }
  for (const [name, { key, raw, source }] of files) {
    const own = assignments.find((other) => other.key.name === name)
    const secret = configKeys.find((other) => other.name === name)
    if (own) faults.push({ source, text: `${key.name} and ${name} (${own.source}) are both set; remove one` })
    if (own || !secret) continue
    const content = contentOf(input, String(raw))
    if ('problem' in content) faults.push({ source, text: `${key.name}: ${String(raw)} ${content.problem}` })
    else {
      const lines = content.text
        .split(/\r?\n/)
        .map((line) => line.trim())
        .filter((line) => line !== '' && !line.startsWith('#'))
      const written = secret.setting.kind === 'tokens' ? lines : lines.join('\n')
      inForce.set(name, { key: secret, written, origin: `${String(raw)} (${source})` })
    }
  }
  return faults
}

function defaultOf(key: ConfigKey, input: LoadInput): unknown {
  return key.setting.defaultFrom === undefined ? key.setting.default : input.hostName
}

function place(config: Record<string, unknown>, key: ConfigKey, value: unknown): void {
  const [group, name] = key.member
  if (group === '') config[name] = value
  else {
    config[group] = { ...(config[group] as object | undefined), [name]: value }
  }
}

/** A flag is named like its key, so the key is not said twice. */
function faultOf(name: string, source: string, text: string): ConfigFault {
  return { source, text: source === `--${name}` ? text : `${name}: ${text}` }
}

/** A secret is never repeated, not even when it is wrong. */
function badValue(key: ConfigKey, written: unknown): string {
  const shown = key.setting.secret ? 'the value' : withoutPasswords(JSON.stringify(written)).slice(0, 80)
  return `${shown} is not valid; expected ${key.setting.expected}`
}

function noticesOf(injected: readonly string[]): string[] {
  if (injected.length === 0) return []
  return [`ignored environment variables that Kubernetes makes for a Service called cpg: ${injected.join(', ')}`]
}
