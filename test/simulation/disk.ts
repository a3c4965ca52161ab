import type { Clock } from '../../src/ports/clock.ts'
import type { ConsumerRecord, EventLog, LogEntry, LogRange, LogRecord, LogState } from '../../src/ports/event-log.ts'
import type { NodeStore } from '../../src/ports/node-store.ts'
import type { StoreChange, TableName, Tables } from '../../src/ports/records.ts'
import type { Actor, Scheduler } from './scheduler.ts'

/** What outlives a process: only what a commit has brought here. */
export class Disk {
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

/** One life of a process on its disk: what it has staged is lost with it, what it was told is on disk is there. */
export class DiskLife implements EventLog, NodeStore {
  readonly id: string
  readonly #options: DiskLifeOptions
  /** The newest value of each row, on disk or on its way. */
  readonly #newest: Map<string, unknown>
  #queue: Write[] = []
  #committing = false
  /** What was told: a commit may have reached the disk already without that. */
  #durable: number
  readonly #listeners = new Set<(durable: number) => void>()

  constructor(options: DiskLifeOptions) {
    this.#options = options
    this.#newest = new Map(options.disk.tables)
    this.#durable = options.disk.lastPosition
    this.id = 'log'
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
    const full = disk.records.length >= recordsMax
    return { bytes: disk.records.length, bytesMax: recordsMax, full, heldBy: full ? [requiredConsumer] : [] }
  }

  read(after: number, limit: number): readonly LogRecord[] {
    return this.#options.disk.records
      .filter(({ position }) => position > after && position <= this.#durable)
      .slice(0, limit)
  }

  onAdvance(listener: (durable: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  putConsumer(name: string, position: number): Promise<ConsumerRecord> {
    const { disk, scheduler, actor, clock, requiredConsumer } = this.#options
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
    return [...this.#options.disk.consumers.values()]
  }

  async deleteConsumer(name: string): Promise<boolean> {
    return this.#options.disk.consumers.delete(name)
  }

  async trim(): Promise<number> {
    return 0
  }

  /** What is staged still goes to the disk, unless it takes nothing. */
  async close(): Promise<void> {
    const { scheduler, actor } = this.#options
    while ((this.#committing || this.#queue.length > 0) && !this.#isHeld)
      await scheduler.later(closePollMs, actor, () => undefined)
  }

  get #isHeld(): boolean {
    return this.#options.disk.isFull || (this.state().full && this.#queue.some(({ entries }) => entries.length > 0))
  }

  /** Without a forwarder nobody else lets records go. */
  #write(entries: readonly LogEntry[], changes: readonly StoreChange[]): Promise<number> {
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

function rowsOf<T extends TableName>(
  from: ReadonlyMap<string, unknown>,
  table: T,
  prefix: string,
  after: string | undefined
): Tables[T][] {
  const start = `${table}/`
  return [...from.keys()]
    .filter((key) => key.startsWith(start + prefix) && (after === undefined || key > start + after))
    .sort()
    .map((key) => from.get(key) as Tables[T])
}
