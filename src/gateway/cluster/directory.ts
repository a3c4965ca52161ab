import type { Directory } from '../../ports/directory.ts'
import type { ChargePointRecord, TransactionRecord } from '../../ports/records.ts'
import type { SharedState } from '../../ports/shared-state.ts'
import { newerOf, type Remembered } from '../remembered.ts'
import { isUnavailable } from './unavailable.ts'

/** What the cluster remembers, joined with what this node holds; alone with the latter while the registry is away. */
export class ClusterDirectory implements Directory {
  readonly #shared: SharedState
  readonly #local: Directory

  constructor(shared: SharedState, local: Directory) {
    this.#shared = shared
    this.#local = local
  }

  load(chargePointId: string): Promise<Remembered> {
    const here = this.recall(chargePointId)
    return this.#orLocal(
      () => this.#loadShared(chargePointId, here),
      async () => here
    )
  }

  recall(chargePointId: string): Remembered {
    return this.#local.recall(chargePointId)
  }

  /** Rejects with `registry_unavailable` when this node has nothing: that nobody ever saw it would be a guess. */
  async chargePoint(chargePointId: string): Promise<ChargePointRecord | undefined> {
    const here = this.recall(chargePointId)
    try {
      return (await this.#loadShared(chargePointId, here)).record
    } catch (error) {
      if (!here.record || !isUnavailable(error)) throw error
      return here.record
    }
  }

  chargePoints(after: string | undefined, limit: number): Promise<readonly ChargePointRecord[]> {
    return this.#orLocal(
      () => this.#shared.chargePoints(after, limit),
      () => this.#local.chargePoints(after, limit)
    )
  }

  transactions(filter: Parameters<Directory['transactions']>[0]): Promise<readonly TransactionRecord[]> {
    return this.#orLocal(
      () => this.#shared.transactions(filter),
      () => this.#local.transactions(filter)
    )
  }

  /** The id that an open transaction with this content key has on any node; else a new one. [design 5] */
  async nextTransactionId(chargePointId: string, startKey?: string): Promise<number> {
    const candidate = await this.#local.nextTransactionId(chargePointId, startKey)
    if (startKey === undefined) return candidate
    return this.#orLocal(
      () => this.#shared.reserveTransaction(chargePointId, startKey, candidate),
      async () => candidate
    )
  }

  async #loadShared(chargePointId: string, here: Remembered): Promise<Remembered> {
    return newerOf(here, await this.#shared.load(chargePointId))
  }

  async #orLocal<T>(shared: () => Promise<T>, local: () => Promise<T>): Promise<T> {
    try {
      return await shared()
    } catch (error) {
      if (!isUnavailable(error)) throw error
      return await local()
    }
  }
}
