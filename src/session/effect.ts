import type { Decision, DecisionRequest } from '../events/decision.ts'
import type { GatewayEvent } from '../events/envelope.ts'
import type { WriteVerdict } from '../ports/ledger.ts'
import type { ChargePointRecord, CommandOutcome, StoreChange, TransactionRecord } from '../ports/records.ts'
import type { OcppVersion } from '../protocol/version.ts'
import type { CloseReason } from './close-reasons.ts'

/** An event and what it implies for the node's own store: committed together. */
export interface EventEntry {
  readonly event: GatewayEvent
  readonly changes: readonly StoreChange[]
}

/** What left as a frame, for the metrics. `code` is the CALLERROR's. */
export interface FrameLabel {
  readonly kind: 'call' | 'call_result' | 'call_error' | 'call_result_error'
  readonly action?: string
  readonly code?: string
}

/** Things that are only counted; the value is the metric's label. */
export const oddities = [
  'unmatched_result',
  'late_answer',
  'replayed_answer',
  'ignored_frame',
  'send_dropped',
  'leniency',
  'duplicate_event',
  'violation',
  'transaction_forgotten'
] as const
export type Oddity = (typeof oddities)[number]

/** What a session asks of the outside world. It never acts by itself, so a test needs no socket. */
export type Effect =
  | { readonly kind: 'send'; readonly text: string; readonly frame: FrameLabel }
  /** Append these, in this order. With a ticket: call `durable(ticket)` once they are on disk. */
  | { readonly kind: 'publish'; readonly entries: readonly EventEntry[]; readonly ticket?: number }
  /** Ask the Authority; call `decided(ticket, decision)`. */
  | { readonly kind: 'decide'; readonly ticket: number; readonly request: DecisionRequest }
  /** A 1.6 transaction needs an id: call `identified(ticket, transactionId)`. `startKey` finds it on other nodes. */
  | { readonly kind: 'identify'; readonly ticket: number; readonly startKey?: string }
  /** Ask the ledger for `claimed -> written`; call `cleared(commandId, verdict)`. Nothing is written before. */
  | { readonly kind: 'clear'; readonly commandId: string; readonly atMs: number }
  /** The command ends here. The desk settles it in the ledger, then publishes `command.outcome`. */
  | { readonly kind: 'settle'; readonly commandId: string; readonly outcome: CommandOutcome }
  | { readonly kind: 'count'; readonly what: Oddity; readonly n: number }
  /** Call `tick` no later than this. A new one replaces the old one. */
  | { readonly kind: 'wake'; readonly atMs: number }
  | { readonly kind: 'close'; readonly reason: CloseReason }

export interface SessionSettings {
  readonly node: string
  readonly bootIntervalS: number
  readonly queueCallsMax: number
  readonly replayWindowMs: number
  readonly replayAnswersMax: number
  readonly badFramesMax: number
  readonly leniency: 'strict' | 'tolerant'
  readonly includeRaw: 'when_needed' | 'always' | 'never'
  readonly schemaBaseUrl?: string
  readonly openTransactionsMax: number
  readonly endedTransactionsMax: number
  /** `protocol.violation` events per connection and minute; what is over is only counted. */
  readonly violationsPerMinuteMax: number
}

/** What identity sources a session uses; random ones in production, counted ones in tests. */
export interface SessionIds {
  /** Event ids: UUIDv7. */
  eventId(): string
  /** Message ids of our CALLs: never repeated on any connection. [Part 4 2.1 4.1.4] */
  messageId(): string
}

export interface SessionStart {
  readonly chargePointId: string
  readonly version: OcppVersion
  readonly epoch: number
  readonly remoteAddress: string
  readonly subprotocol: string
  readonly record: ChargePointRecord | undefined
  readonly transactions: readonly TransactionRecord[]
  /** Who is connecting was seen with an unusable sub-protocol header and got the default version. */
  readonly flags?: readonly string[]
}

/** A command that the desk has claimed and turned into a CALL of this session's version. */
export interface SessionCommand {
  readonly commandId: string
  readonly action: string
  readonly payload: unknown
  readonly priority: 'high' | 'normal'
  readonly timeoutMs: number
  readonly expiresAtMs: number
}

export interface ConnectionTotals {
  readonly bytesIn: number
  readonly bytesOut: number
  readonly framesIn: number
  readonly framesOut: number
}

/**
 * One charge point's conversation on one connection. Inputs return the effects that they cause, in order; after
 * `close` every input returns none. No input throws for anything that a charge point sends.
 */
export interface ChargePointSession {
  readonly chargePointId: string
  readonly version: OcppVersion
  readonly epoch: number
  /** CALLs received and not answered yet, with those that wait behind an undecided one. */
  readonly unanswered: number
  readonly queuedCalls: number
  /** A CALL of ours is open or on its way: the socket has to be read for its answer. */
  readonly awaitsAnswer: boolean
  readonly record: ChargePointRecord
  readonly lastSeenAtMs: number
  /** Publishes `charge_point.connected`; the first input. */
  open(nowMs: number): readonly Effect[]
  frame(text: string, nowMs: number): readonly Effect[]
  decided(ticket: number, decision: Decision, nowMs: number): readonly Effect[]
  identified(ticket: number, transactionId: number, nowMs: number): readonly Effect[]
  durable(ticket: number, nowMs: number): readonly Effect[]
  enqueue(command: SessionCommand, nowMs: number): readonly Effect[]
  cleared(commandId: string, verdict: WriteVerdict, nowMs: number): readonly Effect[]
  /** `not_sent/cancelled` when it is still queued. */
  cancel(commandId: string, nowMs: number): readonly Effect[]
  tick(nowMs: number): readonly Effect[]
  /** The gateway is stopping: nothing new is begun, queued commands end as `not_sent/shutting_down`. */
  stop(nowMs: number): readonly Effect[]
  /** True when nothing is in flight in either direction, so that a stop may close the socket. */
  readonly settled: boolean
  /**
   * The connection has ended: the last input. Publishes `charge_point.disconnected` and settles every command. `recordIsOthers`:
   * another connection writes the charge point's record by now, and this one does not any more.
   */
  close(reason: CloseReason, totals: ConnectionTotals, nowMs: number, recordIsOthers?: boolean): readonly Effect[]
}
