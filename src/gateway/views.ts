import type { ChargePointRecord, CommandRecord } from '../ports/records.ts'

/** A charge point as operators see it: what is remembered, and the live session when there is one. */
export interface ChargePointView {
  readonly record: ChargePointRecord
  readonly live?: {
    readonly node: string
    readonly epoch: number
    readonly connectedAtMs: number
    readonly remoteAddress: string
    /** Known on the node that has the socket. */
    readonly lastSeenAtMs?: number
    readonly queuedCalls?: number
  }
}

/** The charge points of this node (embedded: all there are). */
export interface ChargePointsView {
  get(chargePointId: string): Promise<ChargePointView | undefined>
  /** In id order after `after`; `connected` filters on a live session. */
  list(options: {
    readonly connected?: boolean
    readonly after?: string
    readonly limit: number
  }): Promise<readonly ChargePointView[]>
  /** Close its socket with `disconnected_by_operator`. False: there is none. */
  disconnect(chargePointId: string): Promise<boolean>
}

export interface CommandRequest {
  /** Chosen by the caller for idempotency; made when absent. */
  readonly id?: string
  readonly chargePointId: string
  /** `ocpp.call`, or a unified command. */
  readonly type: string
  readonly data: unknown
  readonly timeoutMs?: number
  /** RFC 3339. */
  readonly expiresAt?: string
  readonly priority?: 'high' | 'normal'
  readonly requestedBy: string
  /** Of the bus, see `CommandRecord`. */
  readonly readIn?: number
}

export type Submitted =
  /** A new command, or the one that already has this id and body. */
  | { readonly kind: 'accepted'; readonly record: CommandRecord; readonly created: boolean }
  /** The id exists with another body or for another charge point. */
  | { readonly kind: 'conflict'; readonly record: CommandRecord }
  /** Not a command at all (unknown type, bad data, bad time): nothing was created. */
  | { readonly kind: 'invalid'; readonly detail: string }
  /** No command exists: this node takes none now. */
  | { readonly kind: 'unavailable'; readonly detail: string }
  /** Not sent: Redis, which would have to know of it, is away. Did it take it all the same, the command ends as `not_sent`. */
  | { readonly kind: 'registry_unavailable'; readonly detail: string }

export type Cancelled =
  | { readonly kind: 'cancelled'; readonly record: CommandRecord }
  /** Written or settled already: too late. */
  | { readonly kind: 'too_late'; readonly record: CommandRecord }
  | { readonly kind: 'unknown' }

export interface CommandDeskView {
  submit(request: CommandRequest): Promise<Submitted>
  cancel(commandId: string): Promise<Cancelled>
  get(commandId: string): Promise<CommandRecord | undefined>
  recent(chargePointId: string, limit: number): Promise<readonly CommandRecord[]>
  /** Resolves with the record as soon as it is settled, or as it stands after `waitMs`. */
  settled(commandId: string, waitMs: number): Promise<CommandRecord | undefined>
}

export interface StageDepth {
  readonly stage: string
  readonly depth: number
  readonly highWater: number
}

export interface DependencyState {
  readonly name: string
  readonly state: 'up' | 'degraded' | 'down'
  readonly sinceMs: number
  /** Plain words: what is wrong, what still works. */
  readonly detail?: string
}

export interface NodeView {
  readonly id: string
  readonly version: string
  readonly startedAtMs: number
  readonly connections: number
  /** Ready: may charge points be sent here? With the reasons when not. */
  readiness(): {
    readonly ready: boolean
    readonly reasons: readonly string[]
    readonly dependencies: readonly DependencyState[]
  }
  stages(): readonly StageDepth[]
}
