import type { Directory } from '../../ports/directory.ts'
import { type ChargePointRecord, keyOf, type TransactionRecord } from '../../ports/records.ts'
import type { EmbeddedNodeStore } from './node-store.ts'
import type { Store } from './store.ts'
import { after, openTransactionRange, taggedKey } from './tables.ts'
import type { TransactionIds } from './transaction-ids.ts'

/** What this node remembers. Sessions get the newest, all others what is on disk. */
export class EmbeddedDirectory implements Directory {
  readonly #store: Store
  readonly #tables: EmbeddedNodeStore
  readonly #transactionIds: TransactionIds

  constructor(store: Store, tables: EmbeddedNodeStore, transactionIds: TransactionIds) {
    this.#store = store
    this.#tables = tables
    this.#transactionIds = transactionIds
  }

  async load(chargePointId: string): ReturnType<Directory['load']> {
    return this.recall(chargePointId)
  }

  recall(chargePointId: string): ReturnType<Directory['recall']> {
    return {
      record: this.#tables.get('chargePoints', keyOf.chargePoint(chargePointId)),
      transactions: this.#tables.list('transactions', { prefix: keyOf.transaction(chargePointId, '') })
    }
  }

  async chargePoint(chargePointId: string): Promise<ChargePointRecord | undefined> {
    return this.#tables.persisted('chargePoints', keyOf.chargePoint(chargePointId))
  }

  async chargePoints(afterId: string | undefined, limit: number): Promise<readonly ChargePointRecord[]> {
    return this.#tables.persistedList('chargePoints', '', afterId).take(limit).toArray()
  }

  /** `after` is the key of the last one seen: `keyOf.transaction(chargePointId, transactionId)`. */
  async transactions(filter: Parameters<Directory['transactions']>[0]): Promise<readonly TransactionRecord[]> {
    const { chargePointId, open, limit } = filter
    const prefix = chargePointId === undefined ? '' : keyOf.transaction(chargePointId, '')
    const found =
      open === true
        ? this.#openTransactions(prefix, filter.after)
        : this.#tables
            .persistedList('transactions', prefix, filter.after)
            .filter(({ state }) => open === undefined || state === 'ended')
    return found.take(limit).toArray()
  }

  *#openTransactions(prefix: string, afterKey: string | undefined): Generator<TransactionRecord> {
    const { start, end } = openTransactionRange(prefix)
    const tag = taggedKey('', start.toString().slice(0, 1))
    const from = afterKey === undefined ? start : after(Buffer.concat([tag, Buffer.from(afterKey)]))
    if (Buffer.compare(from, end) >= 0) return
    for (const key of this.#store.state.getKeys({ start: Buffer.compare(from, start) > 0 ? from : start, end })) {
      const record = this.#tables.persisted('transactions', key.toString().slice(1))
      if (record) yield record
    }
  }

  nextTransactionId(): number | Promise<number> {
    return this.#transactionIds.next()
  }
}
