import type { ChargePointRecord, TransactionRecord } from './records.ts'

/** What is remembered of charge points and transactions, wherever it is kept. */
export interface Directory {
  /** Everything that a session needs to begin: undefined when the charge point was never seen. */
  load(
    chargePointId: string
  ): Promise<{ readonly record: ChargePointRecord | undefined; readonly transactions: readonly TransactionRecord[] }>
  /** The same from what this node holds already, with changes that were appended but are not yet on disk. */
  recall(chargePointId: string): {
    readonly record: ChargePointRecord | undefined
    readonly transactions: readonly TransactionRecord[]
  }
  chargePoint(chargePointId: string): Promise<ChargePointRecord | undefined>
  chargePoints(after: string | undefined, limit: number): Promise<readonly ChargePointRecord[]>
  transactions(filter: {
    readonly chargePointId?: string
    readonly open?: boolean
    readonly after?: string
    readonly limit: number
  }): Promise<readonly TransactionRecord[]>
  /**
   * The next OCPP 1.6 transaction id: a positive int32, unique over restarts and nodes, at least
   * 2 x seconds since 2020-01-01 UTC at the time its block was made. Synchronous from a block that is already on disk. In a
   * cluster, an open transaction with this content key on any node gives its id back.
   */
  nextTransactionId(chargePointId?: string, startKey?: string): number | Promise<number>
}
