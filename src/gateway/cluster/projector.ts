import { wait } from '../../lib/wait.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { NodeStore } from '../../ports/node-store.ts'
import {
  type ChargePointRecord,
  keyOf,
  type OpenEpochRecord,
  type StoreChange,
  type TableName,
  type TransactionRecord
} from '../../ports/records.ts'
import type { SharedState } from '../../ports/shared-state.ts'
import { everyRow } from '../every-row.ts'

export interface ProjectorDeps {
  readonly clock: Clock
  readonly shared: Pick<SharedState, 'project'>
  readonly store: NodeStore
  readonly logger: Logger
}

const rowsPerCall = 200
const retryMsMin = 100
const retryMsMax = 5_000
/** What the nodes share; the ledger keeps the commands itself. */
const keys = {
  chargePoints: ({ chargePointId }: ChargePointRecord) => keyOf.chargePoint(chargePointId),
  transactions: ({ chargePointId, transactionId }: TransactionRecord) =>
    keyOf.transaction(chargePointId, transactionId),
  openEpochs: ({ chargePointId, epoch }: OpenEpochRecord) => keyOf.openEpoch(chargePointId, epoch)
} as const
const projected: ReadonlySet<TableName> = new Set<TableName>(['chargePoints', 'transactions', 'openEpochs'])

/**
 * Writes what is on this node's disk to the shared state, the newest value of each row. While the registry is away the rows
 * wait, at most one for each key, so that memory is bounded by what the node knows and not by how long it takes.
 */
export class Projector {
  readonly #deps: ProjectorDeps
  #waiting = new Map<string, StoreChange>()
  #running = false
  readonly #stop = new AbortController()

  constructor(deps: ProjectorDeps) {
    this.#deps = deps
  }

  /** Rows that are not in the shared state yet. */
  get backlog(): number {
    return this.#waiting.size
  }

  add(changes: readonly StoreChange[]): void {
    for (const change of changes) {
      if (projected.has(change.table)) this.#waiting.set(`${change.table} ${change.key}`, change)
    }
    this.#begin()
  }

  /** Everything that this node remembers: at its start, and after the shared state was emptied. */
  addAll(): void {
    const { store } = this.#deps
    for (const value of everyRow(store, 'chargePoints', keys.chargePoints)) {
      this.#put({ table: 'chargePoints', key: keys.chargePoints(value), value })
    }
    for (const value of everyRow(store, 'transactions', keys.transactions)) {
      this.#put({ table: 'transactions', key: keys.transactions(value), value })
    }
    for (const value of everyRow(store, 'openEpochs', keys.openEpochs)) {
      this.#put({ table: 'openEpochs', key: keys.openEpochs(value), value })
    }
    this.#begin()
  }

  async drained(deadlineMs: number): Promise<boolean> {
    const { clock } = this.#deps
    const untilMs = clock.now() + deadlineMs
    while (this.#waiting.size > 0 || this.#running) {
      if (clock.now() >= untilMs) return false
      await wait(clock, 20)
    }
    return true
  }

  stop(): void {
    this.#stop.abort()
  }

  /** A change that waits already is newer than what the store lists. */
  #put(change: StoreChange): void {
    const key = `${change.table} ${change.key}`
    if (!this.#waiting.has(key)) this.#waiting.set(key, change)
  }

  #begin(): void {
    if (this.#running || this.#stop.signal.aborted || this.#waiting.size === 0) return
    this.#running = true
    void this.#run()
  }

  async #run(): Promise<void> {
    let retryMs = retryMsMin
    while (this.#waiting.size > 0 && !this.#stop.signal.aborted) {
      // Not a copy of all that waits: after a loss that is hundreds of thousands of rows.
      const batch = this.#waiting.entries().take(rowsPerCall).toArray()
      for (const [key] of batch) this.#waiting.delete(key)
      try {
        await this.#deps.shared.project(batch.map(([, change]) => change))
        retryMs = retryMsMin
      } catch (error) {
        // What came meanwhile is newer and stays.
        for (const [key, change] of batch) if (!this.#waiting.has(key)) this.#waiting.set(key, change)
        this.#deps.logger.debug({ error, rows: this.#waiting.size }, 'the shared state does not take rows; they wait')
        await wait(this.#deps.clock, retryMs, this.#stop.signal)
        retryMs = Math.min(retryMsMax, retryMs * 2)
      }
    }
    this.#running = false
  }
}
