import type { CommandOutcome, NotSentReason, UnknownReason } from '../ports/records.ts'
import type { Effect } from './effect.ts'

/** The command ends here. */
export function settle(commandId: string, outcome: CommandOutcome, out: Effect[]): void {
  out.push({ kind: 'settle', commandId, outcome })
}

/** It never reached the socket. */
export function notSent(commandId: string, reason: NotSentReason, detail: string | undefined, out: Effect[]): void {
  settle(commandId, { outcome: 'not_sent', reason, ...(detail === undefined ? {} : { detail }) }, out)
}

/** It was written, and there is no answer that can be trusted. */
export function unknown(commandId: string, reason: UnknownReason, detail: string, out: Effect[]): void {
  settle(commandId, { outcome: 'unknown', reason, detail }, out)
}

export function expired(commandId: string, out: Effect[]): void {
  notSent(commandId, 'expired', 'its turn did not come before expiresAt', out)
}
