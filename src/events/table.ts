import type { OcppVersion } from '../protocol/version.ts'
import type { Decision, IdToken, Question } from './decision.ts'
import type { DeviceTime, EventDraft, Evse } from './model.ts'

/**
 * `immediate`: makes no event, answered in the same tick. `durable`: answered once its events are on disk.
 * `decision`: as durable, after the Authority was asked (when `ask` gives a question).
 */
export type AckRule = 'immediate' | 'durable' | 'decision'

/** What a message means for the transaction that it names, in version-independent words. */
export type TransactionStep =
  | {
      readonly kind: 'start'
      /** Absent in 1.6: the gateway gives the id. */
      readonly transactionId?: string
      readonly seqNo?: number
      readonly evse?: Evse
      readonly idToken?: IdToken
      readonly meterStartWh?: number
      readonly deviceTime?: DeviceTime
      /** 1.6: what makes two StartTransactions the same one (charge point excluded): joined text, see design 5. */
      readonly contentKey?: string
    }
  | {
      readonly kind: 'update'
      readonly transactionId: string
      readonly seqNo?: number
      readonly evse?: Evse
      readonly idToken?: IdToken
      readonly deviceTime?: DeviceTime
      /** A register reading of context Transaction.Begin that tells the start (2.x), when this message has one. */
      readonly meterStartWh?: number
    }
  | {
      readonly kind: 'end'
      readonly transactionId: string
      readonly seqNo?: number
      readonly evse?: Evse
      readonly idToken?: IdToken
      readonly deviceTime?: DeviceTime
      readonly meterStartWh?: number
    }

/** What the session knows of the transaction that the CALL names, after the step was applied. */
export interface TransactionFacts {
  readonly transactionId: string
  /** 1.6 only: hex digest of the content key. */
  readonly startKey?: string
  /** The id of the event that this one repeats. */
  readonly duplicateOf?: string
  /** True when nothing is remembered of this transaction. */
  readonly orphaned: boolean
  readonly evse?: Evse
  readonly idToken?: IdToken
  readonly startedAt?: DeviceTime
  readonly meterStartWh?: number
}

/** Everything that a row may know beside the payload. Built by the session, one for each CALL. */
export interface Origin {
  readonly chargePointId: string
  readonly version: OcppVersion
  readonly action: string
  readonly receivedAtMs: number
  /** UTC text of `receivedAtMs` with milliseconds and Z. */
  readonly receivedAt: string
  /** Seconds that an accepted charge point is told as its heartbeat interval. */
  readonly bootIntervalS: number
  /** 1.6 connector number -> EVSE and connector. 0 is the station itself. */
  evse(connectorId: number): Evse
  /** Parse a device's time leniently (quirk 23); adds flags through `flag`. */
  deviceTime(raw: string): DeviceTime
  /** Name a leniency or an oddity on every event of this CALL. */
  flag(name: string): void
  /** What was flagged so far, each name once. */
  readonly flags: readonly string[]
  /** Present when the row asked something. */
  readonly decision?: Decision
  /** Present when the row has a `transaction` step. */
  readonly transaction?: TransactionFacts
}

export interface EventRule<Request, Response> {
  readonly ack: AckRule
  /** The question for the Authority; undefined when this payload asks nothing (a TransactionEvent without idToken). */
  readonly ask?: (request: Request, from: Origin) => Question | undefined
  readonly transaction?: (request: Request, from: Origin) => TransactionStep | undefined
  readonly events: (request: Request, from: Origin) => readonly EventDraft[]
  readonly answer: (request: Request, from: Origin) => Response
}

/** One row for each action that a charge point may send: a missing row does not compile. */
export type EventTable<Calls> = {
  readonly [Action in keyof Calls]: Calls[Action] extends {
    readonly request: infer Request
    readonly response: infer Response
  }
    ? [Response] extends [never]
      ? SendRule<Request>
      : EventRule<Request, Response>
    : never
}
/** A SEND is never answered. [Part 4 2.1 4.2.4] */
export interface SendRule<Request> {
  readonly events: (request: Request, from: Origin) => readonly EventDraft[]
}
