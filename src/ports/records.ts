import type { IdToken, RegistrationStatus } from '../events/decision.ts'
import type { DeviceTime, Evse } from '../events/model.ts'
import type { OcppVersion } from '../protocol/version.ts'

/** One past or present connection of a charge point. Times are milliseconds since 1970, UTC. */
export interface ConnectionRecord {
  readonly epoch: number
  readonly node: string
  readonly version: OcppVersion
  readonly remoteAddress: string
  readonly connectedAtMs: number
  readonly disconnectedAtMs?: number
  /** A name of `closeReasons`, or `node_lost`. */
  readonly reason?: string
}

/** What the gateway remembers of a charge point, over reconnects and restarts. */
export interface ChargePointRecord {
  readonly chargePointId: string
  /** The highest epoch ever claimed. */
  readonly epoch: number
  readonly version: OcppVersion
  readonly registration?: {
    readonly status: RegistrationStatus
    readonly intervalS: number
    readonly decidedAtMs: number
  }
  readonly vendor?: string
  readonly model?: string
  readonly firmware?: string
  readonly serialNumber?: string
  /** Newest first, at most `connectionHistoryMax`; the first has no `disconnectedAtMs` while it is open. */
  readonly connections: readonly ConnectionRecord[]
}
export const connectionHistoryMax = 10

/** A transaction of any version; ended ones are kept, bounded per charge point, to tell repeats. */
export interface TransactionRecord {
  readonly chargePointId: string
  readonly transactionId: string
  readonly version: OcppVersion
  readonly epoch: number
  readonly state: 'open' | 'ended'
  readonly startKey?: string
  /** Id of the event `transaction.started`; absent when the start was never seen. */
  readonly startedEventId?: string
  readonly endedEventId?: string
  readonly evse?: Evse
  readonly idToken?: IdToken
  readonly startedAt?: DeviceTime
  readonly endedAt?: DeviceTime
  readonly meterStartWh?: number
  readonly meterStopWh?: number
  /** What the start was answered, so that a retry is answered the same. */
  readonly authorization?: { readonly status: string; readonly expiresAt?: string; readonly parentIdToken?: IdToken }
  /** 2.x: the newest sequence numbers with the ids of their events, newest last, bounded. */
  readonly seen: readonly (readonly [seqNo: number, eventId: string])[]
  readonly updatedAtMs: number
}

export type CommandState = 'claimed' | 'written' | 'settled'
export type CommandOutcomeName = 'accepted' | 'rejected' | 'call_error' | 'not_sent' | 'unknown'
export type NotSentReason =
  | 'unknown_charge_point'
  | 'offline'
  | 'expired'
  | 'cancelled'
  | 'queue_full'
  | 'unsupported'
  | 'invalid'
  | 'not_registered'
  | 'node_lost'
  | 'ledger_lost'
  | 'shutting_down'
export type UnknownReason = 'timeout' | 'disconnected' | 'node_lost' | 'ledger_lost' | 'invalid_response'

/** The one outcome of a command, in the shape of the event `command.outcome`'s data less what the record says. */
export interface CommandOutcome {
  readonly outcome: CommandOutcomeName
  readonly reason?: NotSentReason | UnknownReason
  /** Plain words: what to do about it. */
  readonly detail?: string
  /** The charge point's own word, when it gave one. */
  readonly status?: string
  readonly response?: unknown
  readonly error?: { readonly code: string; readonly description: string; readonly details: unknown }
}

export interface CommandRecord {
  readonly commandId: string
  readonly chargePointId: string
  readonly type: string
  readonly data: unknown
  /** Digest of what was asked, to tell the same command from another with its id. */
  readonly digest: string
  readonly priority: 'high' | 'normal'
  readonly timeoutMs: number
  readonly expiresAtMs: number
  readonly requestedBy: string
  readonly requestedAtMs: number
  /** It may have been given before, since then: an id of its asker's own, by HTTP. */
  readonly givenSinceMs?: number
  readonly state: CommandState
  readonly node: string
  readonly epoch?: number
  readonly writtenAtMs?: number
  readonly settledAtMs?: number
  readonly settlement?: CommandOutcome
  /** Milliseconds since 1970 at which the record may be forgotten. */
  readonly forgetAtMs: number
  /**
   * While it is being claimed for the bus: the generation of the group in which its record was read. Who reads it in a later
   * one takes the claim over until it is confirmed. Never kept.
   */
  readonly readIn?: number
}

/** An epoch that has a `charge_point.connected` and no `charge_point.disconnected` yet. */
export interface OpenEpochRecord {
  readonly chargePointId: string
  readonly epoch: number
  readonly version: OcppVersion
  readonly connectedAtMs: number
}

/** How far one partition of the shared bus has the node's log. */
export interface ForwardedRecord {
  readonly topic: string
  readonly partition: number
  /** How many partitions there were: with another number, charge points are in other partitions. */
  readonly partitions: number
  /** Every event of this partition up to this position of the log was acknowledged. */
  readonly position: number
}

/** A node of the cluster, as this one knows it. */
export interface MemberRecord {
  readonly node: string
  /** When it was last seen alive, now and then. */
  readonly seenMs: number
}

/** The node's own tables. Keys are built by `keyOf`, so that one charge point's rows stand together. */
export interface Tables {
  readonly chargePoints: ChargePointRecord
  readonly transactions: TransactionRecord
  readonly commands: CommandRecord
  readonly openEpochs: OpenEpochRecord
  readonly forwarded: ForwardedRecord
  readonly members: MemberRecord
}
export type TableName = keyof Tables

/** One row to put, or to remove (`value: null`), committed in the same transaction as the event that implies it. */
export type StoreChange = {
  readonly [T in TableName]: { readonly table: T; readonly key: string; readonly value: Tables[T] | null }
}[TableName]

/** Keys sort by charge point first; U+0001 cannot be in an id (the upgrade refuses control characters). */
export const keyOf = {
  chargePoint: (chargePointId: string): string => chargePointId,
  transaction: (chargePointId: string, transactionId: string): string => `${chargePointId}\u0001${transactionId}`,
  command: (commandId: string): string => commandId,
  openEpoch: (chargePointId: string, epoch: number): string => `${chargePointId}\u0001${epoch}`,
  forwarded: (partition: number): string => String(partition),
  member: (node: string): string => node
} as const
