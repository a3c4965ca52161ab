import type { StoreChange } from './records.ts'

/** One event on its way into the log: its JSON text and what it implies for the node's own store. */
export interface LogEntry {
  readonly chargePointId: string
  readonly type: string
  /** The whole event, structured CloudEvents JSON. Stored and given back byte for byte. */
  readonly text: string
  readonly changes: readonly StoreChange[]
}

export interface LogRecord {
  /** Gapless, from 1. */
  readonly position: number
  readonly appendedAtMs: number
  readonly chargePointId: string
  readonly type: string
  readonly text: string
}

export interface LogRange {
  /** Oldest position kept; `durable + 1` when the log is empty. */
  readonly oldest: number
  /** The last position that is on disk. No reader sees a later one. */
  readonly durable: number
}

export interface ConsumerRecord {
  readonly name: string
  /** The last position that the consumer has dealt with. */
  readonly position: number
  readonly required: boolean
  readonly updatedAtMs: number
}

export interface LogState {
  readonly bytes: number
  readonly bytesMax: number
  /** True while appends wait because required consumers hold a log that is at `bytes_max`. */
  readonly full: boolean
  /** Names of the required consumers that hold it, when full. */
  readonly heldBy: readonly string[]
  /** The last failed commit, until one succeeds: no space, an I/O error. It is being retried. */
  readonly failing?: { readonly sinceMs: number; readonly error: string }
}

/**
 * The node's durable log. Order of positions is the order of `append` calls. A failed commit is retried whole and
 * nothing overtakes it; `append` therefore never rejects while the log is open, it waits.
 */
export interface EventLog {
  /** Identity of this log, part of every cursor. */
  readonly id: string
  /**
   * Append a tick's entries with the changes that they imply in one transaction. Resolves with the position of the last
   * entry once all are on disk (or, with `event_log.sync` off, committed). Calls made while a commit runs join the next.
   */
  append(entries: readonly LogEntry[]): Promise<number>
  range(): LogRange
  state(): LogState
  /** Records after `position`, at most `limit` and about `bytesMax` bytes; never past the durable position. */
  read(after: number, limit: number, bytesMax: number): readonly LogRecord[]
  /** Calls back whenever the durable position has moved. Returns the unsubscribe function. */
  onAdvance(listener: (durable: number) => void): () => void
  /** Create or move a named cursor (it may move back to anything still kept). */
  putConsumer(name: string, position: number): Promise<ConsumerRecord>
  consumer(name: string): ConsumerRecord | undefined
  consumers(): readonly ConsumerRecord[]
  deleteConsumer(name: string): Promise<boolean>
  /** Apply retention now (it also runs by itself). Resolves with how many records were removed. */
  trim(nowMs: number): Promise<number>
}
