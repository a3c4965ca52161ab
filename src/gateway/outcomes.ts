import type { CommandOutcome, NotSentReason, UnknownReason } from '../ports/records.ts'
import { unsentDetails } from '../session/settlement.ts'

/** How a command ends that no session ends: what backends read of it, said in one place. The session's own are in `session/`. */

/** Its node was lost before it wrote it, wherever that is found out: after a restart, or by another node. */
export const lostBeforeWrite = notSent(
  'node_lost',
  'the gateway that had the command stopped, or was cut off, before it was sent; send it again'
)

/** Its node was lost when it had written it, or may have. */
export const lostAfterWrite = unknown(
  'node_lost',
  'the gateway that had the command stopped, or was cut off, and may have written it; ask the charge point for its state'
)

/** Nobody can say whether it was sent: the ledger lost its data, and so did not know the command. */
export const mayBeWritten = unknown(
  'ledger_lost',
  'the ledger of commands lost its data after the command was given, and a gateway that may have sent it has not come back; ask the charge point for its state'
)

/** Its claim was not answered, or not to its end; there may be a command all the same. */
export const claimUnsure = notSent(
  'ledger_lost',
  'the ledger did not say in time that it has the command; send it again'
)

export const expired = notSent('expired', unsentDetails.expired)

export const shuttingDown = notSent('shutting_down', unsentDetails.shutting_down)

/** Its session ended while the command was given to it. */
export const disconnected = notSent('offline', unsentDetails.offline)

export const offline = notSent(
  'offline',
  'the charge point is not connected; send the command again when charge_point.connected comes'
)

export const unknownChargePoint = notSent(
  'unknown_charge_point',
  'no charge point with this id has ever connected; check the id'
)

function notSent(reason: NotSentReason, detail: string): CommandOutcome {
  return Object.freeze({ outcome: 'not_sent', reason, detail } as const)
}

function unknown(reason: UnknownReason, detail: string): CommandOutcome {
  return Object.freeze({ outcome: 'unknown', reason, detail } as const)
}
