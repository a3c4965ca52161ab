import { Buffer } from 'node:buffer'
import { GatewayError } from '../../src/lib/gateway-error.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { ConsumerRecord, EventLog, LogEntry, LogRange, LogRecord, LogState } from '../../src/ports/event-log.ts'
import type { NodeStore } from '../../src/ports/node-store.ts'
import type { StoreChange, TableName, Tables } from '../../src/ports/records.ts'
import type { Actor, Scheduler } from './scheduler.ts'

/** What outlives a process: only what a commit has brought here. */
export class Disk {
  readonly logId: string
  records: LogRecord[] = []
  /** Of every record that was ever on disk, for the invariants. */
  readonly everLogged: LogRecord[] = []
  lastPosition = 0
  readonly tables = new Map<string, unknown>()
  readonly consumers = new Map<string, ConsumerRecord>()
  readonly idRows = new Map<string, Buffer>()
  /** Milliseconds that a commit takes at most. */
  commitMsMax = 4
  isFull = false

  constructor(logId: string) {
    this.logId = logId
  }
}

interface Write {
  readonly entries: readonly LogEntry[]
  readonly changes: readonly StoreChange[]
  readonly resolve: (position: number) => void
}

export interface DiskLifeOptions {
  readonly disk: Disk
  readonly scheduler: Scheduler
  readonly actor: Actor
  readonly clock: Clock
  /** Records at which appends wait for the required consumer. */
  readonly recordsMax: number
  readonly requiredConsumer: string
}

const retryFullMs = 200
const closePollMs = 2

/**
 * One life of a process on its disk: what it has staged is lost with it, what it was told is on disk is there. Its log is that of a
 * node with a bus and no retention: records go with the required consumer, and a limit is a number of records.
 */
export class DiskLife implements EventLog, NodeStore {
  readonly id: string
  readonly #options: DiskLifeOptions
  /** The newest value of each row, on disk or on its way. */
  readonly #newest: Map<string, unknown>
  #queue: Write[] = []
  #committing = false
  #isClosed = false
  /** What was told: a commit may have reached the disk already without that. */
  #durable: number
  readonly #listeners = new Set<(durable: number) => void>()

  constructor(options: DiskLifeOptions) {
    this.#options = options
    this.#newest = new Map(options.disk.tables)
    this.#durable = options.disk.lastPosition
    this.id = options.disk.logId
  }

  append(entries: readonly LogEntry[]): Promise<number> {
    return this.#write(
      entries,
      entries.flatMap(({ changes }) => changes)
    )
  }

  async commit(changes: readonly StoreChange[]): Promise<void> {
    await this.#write([], changes)
  }

  get<T extends TableName>(table: T, key: string): Tables[T] | undefined {
    return this.#newest.get(`${table}/${key}`) as Tables[T] | undefined
  }

  list<T extends TableName>(
    table: T,
    { prefix = '', after, limit }: Parameters<NodeStore['list']>[1] = {}
  ): readonly Tables[T][] {
    return rowsOf<T>(this.#newest, table, prefix, after).slice(0, limit)
  }

  persisted<T extends TableName>(table: T, key: string): Tables[T] | undefined {
    return this.#options.disk.tables.get(`${table}/${key}`) as Tables[T] | undefined
  }

  persistedList<T extends TableName>(table: T, prefix = '', after?: string): readonly Tables[T][] {
    return rowsOf<T>(this.#options.disk.tables, table, prefix, after)
  }

  range(): LogRange {
    const { records } = this.#options.disk
    return { oldest: records[0]?.position ?? this.#durable + 1, durable: this.#durable }
  }

  state(): LogState {
    const { disk, recordsMax, requiredConsumer } = this.#options
    const full = this.#isAtLimit
    return { bytes: disk.records.length, bytesMax: recordsMax, full, heldBy: full ? [requiredConsumer] : [] }
  }

  read(after: number, limit: number, bytesMax: number): readonly LogRecord[] {
    let bytes = 0
    return this.#options.disk.records
      .filter(({ position }) => position > after && position <= this.#durable)
      .slice(0, limit)
      .filter(({ text }, index) => {
        bytes += Buffer.byteLength(text)
        return index === 0 || bytes <= bytesMax
      })
  }

  onAdvance(listener: (durable: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  putConsumer(name: string, position: number): Promise<ConsumerRecord> {
    const { disk, scheduler, actor, clock, requiredConsumer } = this.#options
    const { oldest, durable } = this.range()
    if (position > durable) return Promise.reject(new GatewayError('invalid_position', `the log ends at ${durable}`))
    if (position < oldest - 1) return Promise.reject(new GatewayError('position_trimmed', `the oldest is ${oldest}`))
    const record = { name, position, required: name === requiredConsumer, updatedAtMs: clock.now() }
    return scheduler.later(scheduler.random.between(0, disk.commitMsMax), actor, () => {
      disk.consumers.set(name, record)
      if (record.required) disk.records = disk.records.filter((kept) => kept.position > position)
      return record
    })
  }

  consumer(name: string): ConsumerRecord | undefined {
    return this.#options.disk.consumers.get(name)
  }

  consumers(): readonly ConsumerRecord[] {
    return [...this.#options.disk.consumers.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async deleteConsumer(name: string): Promise<boolean> {
    return this.#options.disk.consumers.delete(name)
  }

  async trim(): Promise<number> {
    return 0
  }

  /** What is staged still goes to the disk; what it does not take ends with the process, which ends now. Nothing else is taken. */
  async close(): Promise<void> {
    const { scheduler, actor } = this.#options
    this.#isClosed = true
    while ((this.#committing || this.#queue.length > 0) && !this.#isHeld)
      await scheduler.later(closePollMs, actor, () => undefined)
  }

  /** Without a forwarder nobody lets records go. */
  get #isAtLimit(): boolean {
    const { disk, recordsMax } = this.#options
    return disk.records.length >= recordsMax && this.#queue.some(({ entries }) => entries.length > 0)
  }

  get #isHeld(): boolean {
    return this.#options.disk.isFull || this.#isAtLimit
  }

  #write(entries: readonly LogEntry[], changes: readonly StoreChange[]): Promise<number> {
    if (this.#isClosed) return Promise.reject(closedError())
    for (const { table, key, value } of changes) {
      if (value === null) this.#newest.delete(`${table}/${key}`)
      else this.#newest.set(`${table}/${key}`, value)
    }
    return new Promise((resolve) => {
      this.#queue.push({ entries, changes, resolve })
      this.#begin()
    })
  }

  #begin(): void {
    if (this.#committing || this.#queue.length === 0) return
    this.#committing = true
    const { scheduler, actor, disk } = this.#options
    scheduler.after(scheduler.random.between(0, disk.commitMsMax), actor, () => this.#commit())
  }

  /** On disk now; told a moment later. In between a crash leaves what nobody was told. */
  #commit(): void {
    const { scheduler, actor, disk, clock } = this.#options
    if (this.#isHeld) {
      scheduler.after(retryFullMs, actor, () => this.#commit())
      return
    }
    const batch = this.#queue
    this.#queue = []
    const told: { readonly write: Write; readonly position: number }[] = []
    for (const write of batch) {
      for (const { chargePointId, type, text } of write.entries) {
        const record = { position: ++disk.lastPosition, appendedAtMs: clock.now(), chargePointId, type, text }
        disk.records.push(record)
        disk.everLogged.push(record)
      }
      for (const { table, key, value } of write.changes) {
        if (value === null) disk.tables.delete(`${table}/${key}`)
        else disk.tables.set(`${table}/${key}`, value)
      }
      told.push({ write, position: disk.lastPosition })
    }
    const last = disk.lastPosition
    scheduler.after(scheduler.random.between(0, 2), actor, () => {
      this.#committing = false
      this.#durable = last
      for (const { write, position } of told) write.resolve(position)
      for (const listener of this.#listeners) listener(last)
      this.#begin()
    })
  }
}

function closedError(): GatewayError {
  return new GatewayError('event_log_closed', 'the event log is closed', { canRetry: true })
}

function rowsOf<T extends TableName>(
  from: ReadonlyMap<string, unknown>,
  table: T,
  prefix: string,
  after: string | undefined
): Tables[T][] {
  const start = `${table}/`
  return [...from.keys()]
    .filter((key) => key.startsWith(start + prefix) && (after === undefined || byBytes(key, start + after) > 0))
    .sort(byBytes)
    .map((key) => from.get(key) as Tables[T])
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
