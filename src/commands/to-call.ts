import { createValidator, type PayloadValidator } from '../protocol/validate.ts'
import { type OcppVersion, ocppVersions } from '../protocol/version.ts'
import { commandRule } from './outcome.ts'

export type ToCall =
  | { readonly ok: true; readonly action: string; readonly payload: unknown }
  | {
      readonly ok: false
      /** `unsupported`: not in this version; `invalid`: it could not be sent to any charge point as it stands. */
      readonly reason: 'unsupported' | 'invalid'
      /** What is wrong and what to do about it. */
      readonly detail: string
    }

export type Priority = 'high' | 'normal'

interface CommandType {
  /** The CALL of this version, or why there is none. */
  readonly toCall: (version: OcppVersion, data: unknown) => ToCall
  /** The priority of a command that names none. */
  readonly priority: (data: unknown) => Priority
}

/** Every type of command: a row each. */
const commandTypes: ReadonlyMap<string, CommandType> = new Map<string, CommandType>([
  ['ocpp.call', { toCall: rawCall, priority: rawPriority }]
])

/** Turn a command into a CALL of this version, checked against the schema of its request. Never throws; no guess. */
export function toCall(version: OcppVersion, type: string, data: unknown): ToCall {
  const commandType = commandTypes.get(type)
  if (!commandType) return invalid(`${JSON.stringify(type)} is no type of command; use "ocpp.call"`)
  return commandType.toCall(version, data)
}

/** The priority of a command that names none; undefined when `type` is no type of command. */
export function defaultPriority(type: string, data: unknown): Priority | undefined {
  return commandTypes.get(type)?.priority(data)
}

function rawCall(version: OcppVersion, data: unknown): ToCall {
  const action = memberOf(data, 'action')
  if (typeof action !== 'string' || action === '') {
    return invalid('data.action is missing; data is { "action": "Reset", "payload": { "type": "Soft" } }')
  }
  if (!commandRule(version, action)) return unsupported(version, action)
  const payload = memberOf(data, 'payload') ?? {}
  const checked = validatorOf(version).validateCommand(action, payload)
  if (checked.ok) return { ok: true, action, payload }
  return invalid(
    `data.payload is no valid ${action} of OCPP ${version}: ${checked.detail}; correct it and send the command anew`
  )
}

function rawPriority(data: unknown): Priority {
  const action = memberOf(data, 'action')
  if (typeof action !== 'string') return 'normal'
  return ocppVersions.some((version) => commandRule(version, action)?.priority === 'high') ? 'high' : 'normal'
}

function unsupported(version: OcppVersion, action: string): ToCall {
  const others = ocppVersions.filter((other) => commandRule(other, action))
  const detail =
    others.length > 0
      ? `the charge point speaks OCPP ${version}; ${action} exists in ${others.join(' and ')} only`
      : `${JSON.stringify(action)} is no action that a central system may send; letter case counts`
  return { ok: false, reason: 'unsupported', detail }
}

function invalid(detail: string): ToCall {
  return { ok: false, reason: 'invalid', detail }
}

function memberOf(data: unknown, name: string): unknown {
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, name)) return undefined
  return (data as Readonly<Record<string, unknown>>)[name]
}

const validators = new Map<OcppVersion, PayloadValidator>()

/** Its schemas are compiled when a command first needs them; sessions compile other ones. */
function validatorOf(version: OcppVersion): PayloadValidator {
  const made = validators.get(version) ?? createValidator(version)
  validators.set(version, made)
  return made
}
