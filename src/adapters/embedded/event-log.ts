import { GatewayError } from '../../lib/gateway-error.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ConsumerRecord, EventLog, LogEntry, LogRange, LogRecord, LogState } from '../../ports/event-log.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { StoreChange } from '../../ports/records.ts'
import type { Batch, ControlWrite, OrderedWrite } from './batch.ts'
import { type Arrival, decodeEvents, encodeChunks, estimateBytes } from './chunk.ts'
import { Committer, closedError } from './committer.ts'
import { Consumers } from './consumers.ts'
import { LogExtent } from './log-extent.ts'
import { EmbeddedNodeStore } from './node-store.ts'
import type { Reserve } from './reserve.ts'
import type { Store } from './store.ts'

/** What one transaction takes at most, if more than one call waits: so much is encoded in one turn of the loop. */
const batchEventsMax = 2_000
const batchBytesMax = 2 * 1024 * 1024
const consumersMax = 1_000
const consumerNameBytesMax = 256
const trimIntervalMsMax = 60_000
const trimIntervalMsMin = 1_000

export interface EventLogOptions {
  readonly store: Store
  readonly reserve: Reserve
  readonly clock: Clock
  readonly metrics: Metrics
  readonly retentionMs: number
  readonly bytesMax: number
  readonly requiredConsumers: readonly string[]
  readonly lingerMsMax: number
}

/** The event log in LMDB. It is also the one writer of the node's tables, which keeps all of it in one order. */
export class EmbeddedEventLog implements EventLog {
  readonly id: string
  readonly tables: EmbeddedNodeStore
  readonly #options: EventLogOptions
  readonly #extent: LogExtent
  readonly #consumers: Consumers
  readonly #committer: Committer
  readonly #listeners = new Set<(durable: number) => void>()
  readonly #events
  readonly #appendSeconds
  readonly #commitEvents
  #full = false
  /** Events up to this time are to be removed. */
  #expiredUntilMs = Number.NEGATIVE_INFINITY
  #removedCount = 0
  #trimmers: { readonly resolve: (removed: number) => void; readonly before: number }[] = []
  #cancelTrim: () => void
  #closed = false

  constructor(options: EventLogOptions) {
    const { store, clock, metrics, lingerMsMax } = options
    this.#options = options
    this.#extent = new LogExtent(store)
    this.id = this.#extent.id
    this.#consumers = new Consumers(options.requiredConsumers, store)
    this.tables = new EmbeddedNodeStore(store, (changes) => this.#commitChanges(changes))
    const planner = {
      take: (queue: OrderedWrite[], control: ControlWrite[]) => this.#take(queue, control),
      committed: (batch: Batch) => this.#committed(batch),
      noSpace: () => options.reserve.release()
    }
    this.#committer = new Committer({ store, clock, metrics, lingerMsMax, planner })
    this.#events = metrics.counter('events_total', {})
    this.#appendSeconds = metrics.histogram('log_append_seconds')
    this.#commitEvents = metrics.histogram('log_commit_events')
    metrics.gauge('log_bytes', {}, () => this.#extent.bytes)
    metrics.gauge('log_bytes_max', {}, () => options.bytesMax)
    metrics.gauge('log_full', {}, () => (this.#full ? 1 : 0))
    this.#cancelTrim = this.#trimLater()
  }

  /** Gives a new log its identity. */
  async begin(): Promise<void> {
    const { log, commit } = this.#options.store
    if (!log.get(0)) await commit(() => void log.put(0, this.#extent.encodeHead()))
  }

  append(entries: readonly LogEntry[]): Promise<number> {
    const changes = entries.length === 1 ? (entries[0]?.changes ?? []) : entries.flatMap((entry) => entry.changes)
    return this.#write(entries, changes)
  }

  async #commitChanges(changes: readonly StoreChange[]): Promise<void> {
    await this.#write([], changes)
  }

  #write(entries: readonly LogEntry[], changes: readonly StoreChange[]): Promise<number> {
    const startedAt = performance.now()
    this.tables.stage(changes)
    return new Promise((resolve, reject) => {
      this.#committer.enqueue({
        entries,
        changes,
        appendedAtMs: this.#options.clock.now(),
        done: (position) => {
          this.tables.unstage(changes)
          if (entries.length > 0) this.#appendSeconds.observe((performance.now() - startedAt) / 1_000)
          resolve(position)
        },
        failed: (error) => {
          this.tables.unstage(changes)
          reject(error)
        }
      })
    })
  }

  /** Commit rows that stand in no order with events, past a full log: blocks of ids, what is forgotten. */
  commitControl(rows: ControlWrite['rows'], done: () => void = () => undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#committer.enqueueControl({
        rows,
        done: () => {
          done()
          resolve()
        },
        failed: reject
      })
    })
  }

  range(): LogRange {
    return { oldest: this.#extent.oldest, durable: this.#extent.last }
  }

  state(): LogState {
    const { failing } = this.#committer
    return {
      bytes: this.#extent.bytes,
      bytesMax: this.#options.bytesMax,
      full: this.#full,
      heldBy: this.#full ? this.#consumers.behind(this.#extent.first()?.lastPosition ?? 0) : [],
      ...(failing && { failing })
    }
  }

  read(after: number, limit: number, bytesMax: number): readonly LogRecord[] {
    const { oldest, durable } = this.range()
    const records: LogRecord[] = []
    if (after >= durable || limit <= 0) return records
    const from = Math.max(after, oldest - 1)
    let bytes = 0
    const take = (record: LogRecord, size: number): boolean => {
      // LMDB shows a trim before it is told here: rather nothing now than a gap that nobody notices.
      if (records.length === 0 && record.position !== from + 1) return false
      if (record.position > durable || records.length >= limit || (bytes > 0 && bytes + size > bytesMax)) return false
      bytes += size
      records.push(record)
      return true
    }
    for (const { key, value } of this.#options.store.log.getRange({ start: this.#chunkOf(from + 1) })) {
      if (!decodeEvents(key, value, from, take)) break
    }
    return records
  }

  /** Key of the chunk that holds `position`. */
  #chunkOf(position: number): number {
    for (const key of this.#options.store.log.getKeys({ start: position, end: 0, reverse: true, limit: 1 })) return key
    return position
  }

  onAdvance(listener: (durable: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async putConsumer(name: string, position: number): Promise<ConsumerRecord> {
    const { oldest, durable } = this.range()
    if (name.length === 0 || Buffer.byteLength(name) > consumerNameBytesMax) {
      throw new GatewayError('invalid_consumer', `a consumer's name has 1 to ${consumerNameBytesMax} bytes`)
    }
    if (!Number.isSafeInteger(position) || position > durable) {
      throw new GatewayError('invalid_position', `position ${position} is not in the log, which ends at ${durable}`)
    }
    if (position < oldest - 1) {
      throw new GatewayError('position_trimmed', `position ${position} is no longer kept; the oldest is ${oldest}`)
    }
    if (!this.#consumers.get(name) && this.#consumers.list().length >= consumersMax) {
      throw new GatewayError('too_many_consumers', `there are ${consumersMax} consumers; delete one first`)
    }
    const record = this.#consumers.make(name, position, this.#options.clock.now())
    // What it wants to read again is held from now on, what it lets go only once that is on disk.
    if (position < (this.#consumers.get(name)?.position ?? 0)) this.#consumers.set(record)
    const row = { key: this.#consumers.keyOf(name), value: this.#consumers.encode(record) }
    await this.commitControl([row], () => this.#consumers.set(record))
    return record
  }

  consumer(name: string): ConsumerRecord | undefined {
    return this.#consumers.get(name)
  }

  consumers(): readonly ConsumerRecord[] {
    return this.#consumers.list()
  }

  async deleteConsumer(name: string): Promise<boolean> {
    if (!this.#consumers.get(name)) return false
    this.#consumers.delete(name)
    await this.commitControl([{ key: this.#consumers.keyOf(name), value: null }])
    return true
  }

  trim(nowMs: number): Promise<number> {
    if (this.#closed) return Promise.reject(closedError())
    this.#expiredUntilMs = Math.max(this.#expiredUntilMs, nowMs - this.#options.retentionMs)
    return new Promise((resolve) => {
      this.#trimmers.push({ resolve, before: this.#removedCount })
      this.#committer.poke()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTrim()
    await this.#committer.close()
    this.#endTrim()
  }

  #trimLater(): () => void {
    const intervalMs = Math.min(trimIntervalMsMax, Math.max(trimIntervalMsMin, this.#options.retentionMs / 20))
    return this.#options.clock.after(intervalMs, () => {
      this.#cancelTrim = this.#trimLater()
      if (!this.#committer.failing) this.#options.reserve.keep()
      void this.trim(this.#options.clock.now())
    })
  }

  #endTrim(): void {
    for (const { resolve, before } of this.#trimmers.splice(0)) resolve(this.#removedCount - before)
  }

  #take(queue: OrderedWrite[], control: ControlWrite[]): Batch | undefined {
    let events = 0
    let bytes = 0
    let taken = 0
    let wanted = 0
    for (const { entries } of queue) {
      let size = 0
      for (const entry of entries) size += estimateBytes(entry)
      if (taken > 0 && (events + entries.length > batchEventsMax || bytes + size > batchBytesMax)) break
      if (size > 0) wanted = bytes + size + this.#headroom()
      if (size > 0 && !this.#hasRoom(bytes + size)) break
      events += entries.length
      bytes += size
      taken++
    }
    const held = this.#consumers.held()
    const { bytesMax } = this.#options
    const trim = this.#extent.plan(
      (chunk, left) =>
        chunk.lastPosition <= held && (chunk.appendedAtMs <= this.#expiredUntilMs || left + wanted > bytesMax)
    )
    this.#full = taken < queue.length && taken === 0 && trim === undefined
    if (!trim) this.#endTrim()
    if (taken === 0 && control.length === 0 && !trim) return undefined
    return this.#batch(queue.splice(0, taken), control.splice(0), trim)
  }

  /** What is kept free below `bytesMax`, so that an append finds room at once. */
  #headroom(): number {
    return Math.min(batchBytesMax, Math.floor(this.#options.bytesMax / 16))
  }

  #hasRoom(bytes: number): boolean {
    return this.#extent.bytes === 0 || this.#extent.bytes + bytes <= this.#options.bytesMax
  }

  #batch(writes: readonly OrderedWrite[], control: readonly ControlWrite[], trim: Batch['trim']): Batch {
    const arrivals: Arrival[] = []
    const changes: StoreChange[] = []
    for (const write of writes) {
      for (const entry of write.entries) arrivals.push({ entry, appendedAtMs: write.appendedAtMs })
      changes.push(...write.changes)
    }
    const { last, bytesTotal } = this.#extent
    return {
      writes,
      chunks: arrivals.length > 0 ? encodeChunks(arrivals, last + 1, bytesTotal) : [],
      rows: this.tables.rowsOf(changes),
      lastPosition: last + arrivals.length,
      control,
      ...(trim && { trim })
    }
  }

  #committed({ chunks, trim, lastPosition }: Batch): void {
    if (trim) this.#removedCount += this.#extent.removed(trim)
    if (chunks.length === 0) return
    const events = lastPosition - this.#extent.last
    this.#extent.added(chunks)
    this.#events.inc(events)
    this.#commitEvents.observe(events)
    for (const listener of this.#listeners) listener(lastPosition)
  }
}
