import type { PendingEvent } from './forward-record.ts'

/** What a record costs in a batch beside its own bytes: lengths, offsets and times. */
const framingBytes = 32

export interface BatchLimits {
  readonly recordsMax: number
  readonly bytesMax: number
}

/**
 * The events of one partition on their way to the bus: in order of the log, at most one batch outstanding, bounded in
 * bytes. When it is full its events are skipped and read again from `lagFrom` later, so that it holds up no other.
 */
export class PartitionLane {
  readonly partition: number
  readonly #bytesMax: number
  /** Every event of this partition up to here has been acknowledged. */
  acked: number
  /** Set while the lane lags: its events after this position are not in the queue and must be read for it. */
  lagFrom: number | undefined
  /** How many events were skipped since it lags. */
  skipped = 0
  /** Do not send before: the last attempt failed for a reason that may pass. */
  retryAtMs: number | undefined
  #queue: PendingEvent[] = []
  #bytes = 0
  #outstanding = 0
  #attempt = 0
  #sentAtMs = 0
  #triedAtMs: number | undefined
  /** Halved when a batch is too large for the bus, doubled when one was taken. */
  #batchMax = Number.POSITIVE_INFINITY

  constructor(partition: number, acked: number, bytesMax: number) {
    this.partition = partition
    this.acked = acked
    this.#bytesMax = bytesMax
  }

  get head(): PendingEvent | undefined {
    return this.#queue[0]
  }

  /** Events that are not acknowledged. */
  get backlog(): number {
    return this.#queue.length + this.skipped
  }

  get bytes(): number {
    return this.#bytes
  }

  get full(): boolean {
    return this.#bytes >= this.#bytesMax
  }

  /** Emptied enough for reading on to be worth it. */
  get hasRoom(): boolean {
    return this.#bytes * 2 <= this.#bytesMax
  }

  get sendable(): boolean {
    return this.#queue.length > 0 && this.#outstanding === 0 && this.retryAtMs === undefined
  }

  get outstanding(): boolean {
    return this.#outstanding > 0
  }

  /** When the batch that is outstanding was handed to the bus. */
  get sentAtMs(): number | undefined {
    return this.#outstanding > 0 ? this.#sentAtMs : undefined
  }

  /** When the first event of the queue was first tried; it is not acknowledged since. */
  get triedAtMs(): number | undefined {
    return this.#triedAtMs
  }

  /** Every event of this partition up to the result has been acknowledged, when all up to `passed` were looked at. */
  ackedUpTo(passed: number): number {
    const [head] = this.#queue
    return head ? head.position - 1 : (this.lagFrom ?? passed)
  }

  push(event: PendingEvent): void {
    this.#queue.push(event)
    this.#bytes += event.bytes
  }

  /** The next batch; it is outstanding until its attempt is acknowledged or given back. */
  begin(nowMs: number, { recordsMax, bytesMax }: BatchLimits): { attempt: number; events: readonly PendingEvent[] } {
    const most = Math.min(recordsMax, this.#batchMax, this.#queue.length)
    let bytes = 0
    let count = 0
    while (count < most) {
      bytes += (this.#queue[count]?.bytes ?? 0) + framingBytes
      if (count > 0 && bytes > bytesMax) break
      count++
    }
    this.#outstanding = count
    this.#sentAtMs = nowMs
    this.#triedAtMs ??= nowMs
    return { attempt: ++this.#attempt, events: this.#queue.slice(0, count) }
  }

  /** False: an attempt that was given up since; its answer means nothing any more. */
  isCurrent(attempt: number): boolean {
    return this.#outstanding > 0 && attempt === this.#attempt
  }

  acknowledge(): void {
    const events = this.#queue.splice(0, this.#outstanding)
    for (const { bytes } of events) this.#bytes -= bytes
    this.acked = events.at(-1)?.position ?? this.acked
    this.#batchMax *= 2
    this.#outstanding = 0
    this.#triedAtMs = undefined
  }

  /** The outstanding batch stands in front again. */
  giveBack(): void {
    this.#outstanding = 0
  }

  /** The outstanding batch is too large: half of it next. False: it was a single event. */
  split(): boolean {
    const count = this.#outstanding
    this.#outstanding = 0
    this.#batchMax = Math.max(1, Math.floor(count / 2))
    return count > 1
  }

  replaceHead(event: PendingEvent): void {
    const [head] = this.#queue.splice(0, 1, event)
    this.#bytes += event.bytes - (head?.bytes ?? 0)
  }
}
