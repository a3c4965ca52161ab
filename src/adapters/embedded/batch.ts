import type { LogEntry } from '../../ports/event-log.ts'
import type { StoreChange } from '../../ports/records.ts'
import type { Chunk, EncodedChunk } from './chunk.ts'

/** One call that takes its turn in the order of the log: events with what they imply, or changes alone. */
export interface OrderedWrite {
  readonly entries: readonly LogEntry[]
  readonly changes: readonly StoreChange[]
  readonly appendedAtMs: number
  /** On disk. `position` is that of its last event, or of the last one before it. */
  done(position: number): void
  failed(error: Error): void
}

/** One row of the table `state` to put, or to remove. */
export interface Row {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** A write that no event waits for and that waits for no event: consumers and blocks of ids. It passes a full log. */
export interface ControlWrite {
  readonly rows: readonly Row[]
  done(): void
  failed(error: Error): void
}

/** What one transaction commits. */
export interface Batch {
  readonly writes: readonly OrderedWrite[]
  readonly chunks: readonly EncodedChunk[]
  readonly rows: readonly Row[]
  /** Position of the last event, these included. */
  readonly lastPosition: number
  readonly control: readonly ControlWrite[]
  /** Oldest chunks to remove, with the head that then remembers where the log stands. */
  readonly trim?: Trim
}

export interface Trim {
  readonly chunks: readonly Chunk[]
  readonly head: Buffer
}
