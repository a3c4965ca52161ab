import { defaultPriority } from '../commands/to-call.ts'
import { nestsDeeper } from '../lib/depth.ts'
import { digestOf } from '../lib/derived-id.ts'
import { formatDuration } from '../lib/duration.ts'
import type { CommandRecord } from '../ports/records.ts'
import type { CommandRequest } from './views.ts'

export interface CommandRecordRules {
  readonly node: string
  readonly newCommandId: () => string
  /** `session.call_timeout`, for commands that name none. */
  readonly callTimeoutMs: number
  /** `limits.command_age_max`: how long a command may wait to be written when it names no `expiresAt`. */
  readonly commandAgeMaxMs: number
  /** `limits.command_memory`: how long a settled command is remembered after it could still have been sent. */
  readonly commandMemoryMs: number
  /** `limits.command_timeout_max` and `limits.command_expiry_max`: the longest that a command may ask for. */
  readonly commandTimeoutMaxMs: number
  readonly commandExpiryMaxMs: number
}

/** Deeper than any CALL, far below what a stack takes. */
const dataDepthMax = 100

/** What is told of a type that is none has to fit into a header. */
const typeShownMax = 100

/** `.` and `..` cannot stand in the path of a URL. */
export const commandIdPattern = /^(?!\.{1,2}$)[\x21-\x7e]{1,128}$/

/** The record of a request, or what is wrong with the request. */
export function commandRecordOf(
  request: CommandRequest,
  nowMs: number,
  rules: CommandRecordRules
): CommandRecord | string {
  const {
    node,
    newCommandId,
    callTimeoutMs,
    commandAgeMaxMs,
    commandMemoryMs,
    commandTimeoutMaxMs,
    commandExpiryMaxMs
  } = rules
  const { chargePointId, type, data, requestedBy } = request
  const commandId = request.id ?? newCommandId()
  if (!commandIdPattern.test(commandId)) return 'id: 1 to 128 printable ASCII characters without spaces are expected'
  const priority = request.priority ?? defaultPriority(type, data)
  if (priority === undefined)
    return `type: ${JSON.stringify(type.slice(0, typeShownMax))} is not a command here; use "ocpp.call" with data {"action": "...", "payload": {...}}`
  const expiresAtMs = request.expiresAt === undefined ? nowMs + commandAgeMaxMs : Date.parse(request.expiresAt)
  if (Number.isNaN(expiresAtMs)) return 'expiresAt: an RFC 3339 time such as 2026-11-23T10:00:00Z is expected'
  if (expiresAtMs > nowMs + commandExpiryMaxMs)
    return `expiresAt: at most limits.command_expiry_max (${formatDuration(commandExpiryMaxMs)}) from now`
  if (nestsDeeper(data, dataDepthMax)) return `data: at most ${dataDepthMax} levels are taken`
  const timeoutMs = request.timeoutMs ?? callTimeoutMs
  if (timeoutMs > commandTimeoutMaxMs)
    return `timeoutMs: at most limits.command_timeout_max (${formatDuration(commandTimeoutMaxMs)})`
  const { timeoutMs: askedTimeoutMs, expiresAt, priority: askedPriority, readIn } = request
  return {
    commandId,
    chargePointId,
    type,
    data,
    digest: digestOf({ chargePointId, type, data, timeoutMs: askedTimeoutMs, expiresAt, priority: askedPriority }),
    priority,
    timeoutMs,
    expiresAtMs,
    requestedBy,
    requestedAtMs: nowMs,
    state: 'claimed',
    node,
    forgetAtMs: Math.max(nowMs, expiresAtMs) + timeoutMs + commandMemoryMs,
    ...(readIn !== undefined && { readIn })
  }
}
