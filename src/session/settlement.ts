import type { CommandOutcome, NotSentReason, UnknownReason } from '../ports/records.ts'
import type { Effect } from './effect.ts'

/** What is told of a command whose turn did not come; the node says it in the same words when it has no session to say it. */
export const unsentDetails = {
  expired: 'its turn did not come before expiresAt',
  shutting_down: 'the gateway is stopping; send it again',
  offline: 'the connection ended before its turn came; send it again',
  queue_full: (waiting: number) => `${waiting} commands wait already (session.queue_calls_max); send it again later`
} as const

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
  notSent(commandId, 'expired', unsentDetails.expired, out)
}
