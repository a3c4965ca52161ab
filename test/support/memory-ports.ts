import type { Authority } from '../../src/ports/authority.ts'
import type { Directory } from '../../src/ports/directory.ts'
import type { EventLog, LogEntry, LogState } from '../../src/ports/event-log.ts'
import type { Ledger, LedgerClaim, WriteVerdict } from '../../src/ports/ledger.ts'
import type { Counter, Metrics } from '../../src/ports/metrics.ts'
import type { NodeStore } from '../../src/ports/node-store.ts'
import type {
  ChargePointRecord,
  CommandOutcome,
  CommandRecord,
  StoreChange,
  TableName,
  Tables
} from '../../src/ports/records.ts'
import type { Claim, Owner, SessionRegistry } from '../../src/ports/session-registry.ts'

/** Tables in memory; `staged` is what sessions see, `persisted` what a crash leaves. */
export class MemoryStore implements NodeStore {
  readonly staged = new Map<string, unknown>()
  readonly persisted = new Map<string, unknown>()
  /** A disk that hangs: commits wait for `release`. */
  isHeld = false
  readonly #waiting: (() => void)[] = []

  get<T extends TableName>(table: T, key: string): Tables[T] | undefined {
    return this.staged.get(`${table}/${key}`) as Tables[T] | undefined
  }

  list<T extends TableName>(table: T, options: { readonly prefix?: string } = {}): readonly Tables[T][] {
    return rows<T>(this.staged, table, options.prefix)
  }

  async commit(changes: readonly StoreChange[]): Promise<void> {
    this.stage(changes)
    if (this.isHeld) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.persist(changes)
  }

  release(): void {
    this.isHeld = false
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  stage(changes: readonly StoreChange[]): void {
    apply(this.staged, changes)
  }

  persist(changes: readonly StoreChange[]): void {
    apply(this.persisted, changes)
  }
}

function apply(map: Map<string, unknown>, changes: readonly StoreChange[]): void {
  for (const { table, key, value } of changes) {
    if (value === null) map.delete(`${table}/${key}`)
    else map.set(`${table}/${key}`, value)
  }
}

function rows<T extends TableName>(map: ReadonlyMap<string, unknown>, table: T, prefix = ''): Tables[T][] {
  const keys = [...map.keys()].filter((key) => key.startsWith(`${table}/${prefix}`)).sort()
  return keys.map((key) => map.get(key) as Tables[T])
}

/** A log whose appends reach the disk when the test says so, or at once. */
export class MemoryLog implements Pick<EventLog, 'append' | 'state'> {
  readonly store: MemoryStore
  /** Every `append`, in order. */
  readonly appends: (readonly LogEntry[])[] = []
  /** What is on disk. */
  readonly landed: LogEntry[] = []
  isHeld = false
  logState: LogState = { bytes: 0, bytesMax: 1, full: false, heldBy: [] }
  #waiting: {
    readonly entries: readonly LogEntry[]
    readonly resolve: (n: number) => void
    readonly reject: (e: Error) => void
  }[] = []

  constructor(store: MemoryStore) {
    this.store = store
  }

  append(entries: readonly LogEntry[]): Promise<number> {
    this.appends.push(entries)
    this.store.stage(entries.flatMap(({ changes }) => changes))
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    this.#waiting.push({ entries, resolve, reject })
    if (!this.isHeld) this.land()
    return promise
  }

  /** All, or the first `count` appends, are on disk now. */
  land(count = this.#waiting.length): void {
    for (const { entries, resolve } of this.#waiting.splice(0, count)) {
      this.store.persist(entries.flatMap(({ changes }) => changes))
      this.landed.push(...entries)
      resolve(this.landed.length)
    }
  }

  fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  state(): LogState {
    return this.logState
  }

  /** The events on disk, of one type or all. */
  events(type?: string): MemoryEvent[] {
    return this.landed.filter((entry) => type === undefined || entry.type === type).map(({ text }) => JSON.parse(text))
  }
}

export interface MemoryEvent {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly epoch?: number
  readonly sequence?: string
  readonly correlationid?: string
  readonly dataschema?: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Owners by charge point; epochs count from 1 and never come again. */
export class MemoryRegistry implements SessionRegistry {
  readonly owners = new Map<string, number>()
  /** As in Redis the greatest epoch stays behind when it is released; a node's own registry forgets it. */
  isShared = true
  readonly #greatest = new Map<string, number>()
  readonly released: [chargePointId: string, epoch: number, wasCurrent: boolean][] = []
  #epoch = 0

  async claim(chargePointId: string): Promise<Claim> {
    const displaced = this.owners.get(chargePointId)
    this.owners.set(chargePointId, ++this.#epoch)
    this.#greatest.set(chargePointId, this.#epoch)
    return {
      epoch: this.#epoch,
      ...(displaced === undefined ? {} : { displaced: { node: 'node-a', epoch: displaced } })
    }
  }

  async release(chargePointId: string, epoch: number): Promise<boolean> {
    const isCurrent = this.owners.get(chargePointId) === epoch
    if (isCurrent) this.owners.delete(chargePointId)
    this.released.push([chargePointId, epoch, isCurrent])
    return isCurrent
  }

  async locate(chargePointId: string): Promise<Owner | undefined> {
    const epoch = this.owners.get(chargePointId)
    return epoch === undefined ? undefined : { node: 'node-a', epoch }
  }

  async adopt(chargePointId: string, epoch: number): Promise<boolean> {
    const newest = this.isShared ? this.#greatest : this.owners
    if ((newest.get(chargePointId) ?? 0) > epoch) return false
    this.owners.set(chargePointId, epoch)
    return true
  }
}

/** The life of commands. What is `settled` reaches the store with its outcome's event, as on disk. */
export class MemoryLedger implements Ledger {
  readonly store: MemoryStore
  readonly #registry: MemoryRegistry
  readonly #live = new Map<string, CommandRecord>()
  /** Every settlement that was won. */
  readonly won: CommandRecord[] = []
  failure: Error | undefined

  constructor(store: MemoryStore, registry: MemoryRegistry) {
    this.store = store
    this.#registry = registry
    for (const record of rows(store.persisted, 'commands')) {
      if (record.state !== 'settled') this.#live.set(record.commandId, record)
    }
  }

  async claim(record: CommandRecord): Promise<LedgerClaim> {
    const row = this.store.get('commands', record.commandId)
    if (!row) this.#live.delete(record.commandId)
    const known =
      this.#live.get(record.commandId) ?? this.won.find(({ commandId }) => commandId === record.commandId) ?? row
    if (known) return { kind: known.digest === record.digest ? 'exists' : 'conflict', record: known }
    await this.#put(record)
    return { kind: 'claimed', record }
  }

  async markWritten(commandId: string, epoch: number, writtenAtMs: number): Promise<WriteVerdict> {
    if (this.failure) throw this.failure
    const record = this.#live.get(commandId)
    if (!record) return 'ledger_lost'
    if (record.state !== 'claimed') return 'refused'
    if (this.#registry.owners.get(record.chargePointId) !== epoch) return 'not_owner'
    await this.#put({ ...record, state: 'written', epoch, writtenAtMs })
    return 'written'
  }

  async settle(commandId: string, settlement: CommandOutcome, settledAtMs: number): Promise<CommandRecord | undefined> {
    if (this.failure) throw this.failure
    const record = this.#live.get(commandId)
    if (!record) return undefined
    this.#live.delete(commandId)
    const settled: CommandRecord = { ...record, state: 'settled', settlement, settledAtMs }
    this.won.push(settled)
    return settled
  }

  async get(commandId: string): Promise<CommandRecord | undefined> {
    return this.store.persisted.get(`commands/${commandId}`) as CommandRecord | undefined
  }

  async recent(chargePointId: string): Promise<readonly CommandRecord[]> {
    return rows(this.store.persisted, 'commands').filter((record) => record.chargePointId === chargePointId)
  }

  async unsettled(): Promise<readonly CommandRecord[]> {
    return [...this.#live.values()]
  }

  async #put(record: CommandRecord): Promise<void> {
    this.#live.set(record.commandId, record)
    await this.store.commit([{ table: 'commands', key: record.commandId, value: record }])
  }
}

export function memoryDirectory(store: MemoryStore): Directory {
  let transactionId = 0
  const recall: Directory['recall'] = (chargePointId) => ({
    record: store.get('chargePoints', chargePointId),
    transactions: rows(store.staged, 'transactions', `${chargePointId}\u0001`)
  })
  return {
    load: async (chargePointId) => recall(chargePointId),
    recall,
    chargePoint: async (chargePointId) =>
      store.persisted.get(`chargePoints/${chargePointId}`) as ChargePointRecord | undefined,
    chargePoints: async (after, limit) =>
      rows(store.persisted, 'chargePoints')
        .filter(({ chargePointId }) => after === undefined || chargePointId > after)
        .slice(0, limit),
    transactions: async () => rows(store.persisted, 'transactions'),
    nextTransactionId: () => ++transactionId
  }
}

/** Lets everybody in and accepts everything, at once. */
export const acceptingAuthority: Authority = {
  admit: () => ({ allowed: true }),
  decide: (request) =>
    request.kind === 'boot'
      ? { decidedBy: 'local', registration: { status: 'accepted', intervalS: 300 } }
      : { decidedBy: 'local', authorization: { status: 'accepted' } },
  onRevoked: () => () => undefined
}

/** Counts by `name{label,...}`. */
export class MemoryMetrics implements Metrics {
  readonly counts = new Map<string, number>()
  readonly gauges = new Map<string, () => number>()
  /** How many handles were made: counting must not make one each time. */
  made = 0

  counter(name: string, labels: Readonly<Record<string, string>>): Counter {
    this.made++
    const key = `${name}{${Object.values(labels).join(',')}}`
    return { inc: (n = 1) => void this.counts.set(key, (this.counts.get(key) ?? 0) + n) }
  }

  gauge(name: string, labels: Readonly<Record<string, string>>, value: () => number): void {
    this.gauges.set(`${name}{${Object.values(labels).join(',')}}`, value)
  }

  histogram(): { observe(): void } {
    return { observe: () => undefined }
  }
}
