import type { Directory } from '../ports/directory.ts'
import type { TransactionRecord } from '../ports/records.ts'

/** What a session begins with. */
export type Remembered = Awaited<ReturnType<Directory['load']>>

/**
 * The record of the higher epoch; each transaction as it was changed last: epochs come before times, which are those of
 * several clocks. Of two that are equal the first one's.
 */
export function newerOf(one: Remembered, other: Remembered): Remembered {
  const record = (one.record?.epoch ?? -1) >= (other.record?.epoch ?? -1) ? (one.record ?? other.record) : other.record
  const transactions = new Map(other.transactions.map((transaction) => [transaction.transactionId, transaction]))
  for (const transaction of one.transactions) {
    const known = transactions.get(transaction.transactionId)
    if (!known || !isNewer(known, transaction)) transactions.set(transaction.transactionId, transaction)
  }
  return { record, transactions: [...transactions.values()] }
}

function isNewer(one: TransactionRecord, other: TransactionRecord): boolean {
  return one.epoch === other.epoch ? one.updatedAtMs > other.updatedAtMs : one.epoch > other.epoch
}
