import type { ErrorCode } from '../protocol/errors.ts'
import type { Violation } from './context.ts'

/** Why a CALL gets a CALLERROR, and what the event about it says. */
export interface Refusal extends Violation {
  readonly code: ErrorCode
}

/** The tables are complete, so this is only for the compiler's peace and for a table that one day is not. */
export const noRow = {
  code: 'NotSupported',
  violation: 'unknown_action',
  detail: 'no row deals with this action'
} as const
export const notAccepted = {
  code: 'SecurityError',
  violation: 'not_registered',
  detail: 'the BootNotification of this charge point is not accepted'
} as const

export function violationOf(code: ErrorCode): Violation['violation'] {
  return code === 'NotImplemented' || code === 'NotSupported' ? 'unknown_action' : 'invalid_payload'
}

/** A mistake of ours, met on this message. The station may send it again. */
export function failureOf(error: unknown): Refusal {
  const what = error instanceof Error ? error.message : String(error)
  return { code: 'InternalError', violation: 'internal_error', detail: `the gateway could not deal with it: ${what}` }
}
