import type { ChargePointRecord, OpenEpochRecord, StoreChange, TransactionRecord } from './records.ts'

/**
 * What the nodes of a cluster share beside ownership and the ledger. The local log stays the truth: reservations are made
 * before an append, projections are written after it and are idempotent by epoch and `updatedAtMs`.
 * Every method rejects with `registry_unavailable` (canRetry) when the registry cannot be reached in time.
 */
export interface SharedState {
  load(
    chargePointId: string
  ): Promise<{ readonly record: ChargePointRecord | undefined; readonly transactions: readonly TransactionRecord[] }>
  chargePoints(after: string | undefined, limit: number): Promise<readonly ChargePointRecord[]>
  transactions(filter: {
    readonly chargePointId?: string
    readonly open?: boolean
    readonly after?: string
    readonly limit: number
  }): Promise<readonly TransactionRecord[]>
  /**
   * Write rows that are on this node's disk, or how a dead node's row ended. An older epoch or an older row never overwrites a
   * newer one.
   */
  project(changes: readonly StoreChange[]): Promise<void>
  /**
   * A block of 1.6 transaction ids, first to last: never below `atLeast` nor 2 x seconds since 2020, never given before. With
   * a count of 0 it only says that all below `atLeast` are given, in case the registry has lost its data, and hears as `first`
   * up to where they are.
   */
  reserveTransactionIds(count: number, atLeast: number): Promise<{ readonly first: number; readonly last: number }>
  /**
   * The id of the open transaction with this content key; when there is none, `candidate` becomes it. One atomic step, so
   * that a StartTransaction that is retried on another node gets the same id.
   */
  reserveTransaction(chargePointId: string, startKey: string, candidate: number): Promise<number>
  /**
   * Open epochs of nodes whose lease has run out, each given to one caller only (for a while: it may die too). From then on
   * nobody can adopt them: an epoch that is told as lost never goes on, and one that was adopted meanwhile is not given.
   */
  takeLostEpochs(limit: number): Promise<readonly (OpenEpochRecord & { readonly node: string })[]>
  /** The `node_lost` event of this epoch is on disk. `node`: as `takeLostEpochs` named it. */
  closeLostEpoch(chargePointId: string, epoch: number, node: string): Promise<void>
  /** What the shared state takes for this node's open epochs. */
  ownOpenEpochs(): Promise<readonly OpenEpochRecord[]>
}
