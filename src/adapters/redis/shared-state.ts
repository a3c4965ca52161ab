import { randomInt } from 'node:crypto'
import { GatewayError } from '../../lib/gateway-error.ts'
import type { Clock } from '../../ports/clock.ts'
import {
  type ChargePointRecord,
  keyOf,
  type OpenEpochRecord,
  type StoreChange,
  type TransactionRecord
} from '../../ports/records.ts'
import type { SharedState } from '../../ports/shared-state.ts'
import type { RedisConnection } from './connection.ts'
import type { Keys } from './keys.ts'
import type { RedisNodeLease } from './node-lease.ts'
import { scripts } from './scripts.ts'
import { ownerMemoryMs } from './session-registry.ts'

const transactionIdMax = 2 ** 31 - 1
/** Less than two ids a second make in a day: a Redis that is emptied daily does not use them up. */
const idsLeftOutMin = 100_000
const idsLeftOutMax = 170_000
/** Ended transactions kept for each charge point; the projections bound them lower by what the session forgets. */
const endedMax = 64
/** How long a lost epoch is left to whoever took it. */
const lostEpochHoldMs = 30_000
const pageMax = 500

export interface SharedStateDeps {
  readonly connection: RedisConnection
  readonly keys: Keys
  readonly nodeId: string
  readonly lease: RedisNodeLease
  readonly clock: Clock
  /** How long a charge point that is away is remembered. */
  readonly chargePointMemoryMs: number
  /** Bound for transactions, and content keys, whose end is never told. */
  readonly transactionMemoryMs: number
}

/** What the nodes share beside ownership and the ledger. */
export class RedisSharedState implements SharedState {
  readonly #deps: SharedStateDeps

  constructor(deps: SharedStateDeps) {
    this.#deps = deps
  }

  async load(chargePointId: string): ReturnType<SharedState['load']> {
    const [record, transactions] = await Promise.all([
      this.#chargePoint(chargePointId),
      this.#transactionsOf(chargePointId)
    ])
    return { record, transactions }
  }

  async chargePoints(after: string | undefined, limit: number): Promise<readonly ChargePointRecord[]> {
    const found: ChargePointRecord[] = []
    for await (const page of this.#pages(this.#deps.keys.chargePointIndex, after, limit)) {
      const records = await Promise.all(page.map((id) => this.#chargePoint(id)))
      found.push(...records.filter((record) => record !== undefined))
      if (found.length >= limit) break
    }
    return found.slice(0, limit)
  }

  async transactions(filter: Parameters<SharedState['transactions']>[0]): Promise<readonly TransactionRecord[]> {
    const { chargePointId, open, after, limit } = filter
    const wanted = (row: TransactionRecord): boolean =>
      (open === undefined || (row.state === 'open') === open) &&
      (after === undefined || compareText(rowKey(row), after) > 0)
    if (chargePointId !== undefined) return (await this.#transactionsOf(chargePointId)).filter(wanted).slice(0, limit)
    if (open === true) return this.#openTransactions(after, limit)
    const found: TransactionRecord[] = []
    // Rows stand with their charge point, so a listing of all goes from one to the next.
    const from = after?.slice(0, after.indexOf('\u0001'))
    if (from !== undefined) found.push(...(await this.#transactionsOf(from)).filter(wanted))
    for await (const page of this.#pages(this.#deps.keys.chargePointIndex, from, pageMax)) {
      const rows = await Promise.all(page.map((id) => this.#transactionsOf(id)))
      found.push(...rows.flat().filter(wanted))
      if (found.length >= limit) break
    }
    return found.slice(0, limit)
  }

  async project(changes: readonly StoreChange[]): Promise<void> {
    const { keys } = this.#deps
    // Of several changes to one row the last counts.
    const last = [...new Map(changes.map((change) => [`${change.table} ${change.key}`, change])).values()]
    // Rows first: an entry without its row may be swept away. Who fails on the way projects all of it again.
    const rows = await Promise.all(last.map((change) => this.#projectOne(change)))
    const pick = (part: keyof Listed) => new Set(rows.map((row) => row[part]).filter((member) => member !== undefined))
    await Promise.all([
      this.#index('ZADD', keys.chargePointIndex, pick('chargePointId')),
      this.#index('ZADD', keys.openTransactionIndex, pick('open')),
      this.#index('ZREM', keys.openTransactionIndex, pick('closed'))
    ])
  }

  async reserveTransactionIds(
    count: number,
    atLeast: number
  ): Promise<{ readonly first: number; readonly last: number }> {
    const { connection, keys } = this.#deps
    // Emptied twice before a node hears what another was given after the first time, the counter does not begin at the same block.
    const leftOut = randomInt(idsLeftOutMin, idsLeftOutMax)
    const args = [count, atLeast, transactionIdMax, leftOut]
    const first = await connection.run(scripts.reserveIds, [keys.transactionIds], args)
    if (first === null) throw new GatewayError('transaction_ids_used_up', 'OCPP 1.6 transaction ids are used up')
    return { first: Number(first), last: Number(first) + count - 1 }
  }

  async reserveTransaction(chargePointId: string, startKey: string, candidate: number): Promise<number> {
    const { connection, keys, transactionMemoryMs } = this.#deps
    const args = [candidate, transactionMemoryMs]
    return Number(await connection.run(scripts.reserveStart, [keys.start(chargePointId, startKey)], args))
  }

  async takeLostEpochs(limit: number): Promise<readonly (OpenEpochRecord & { readonly node: string })[]> {
    const { connection, keys, lease } = this.#deps
    const found: (OpenEpochRecord & { readonly node: string })[] = []
    for (const { node, alive } of await lease.nodes()) {
      if (alive || found.length >= limit) continue
      const three = [keys.lease(node), keys.openEpochs(node), keys.openEpochRows(node)] as const
      const rows = await connection.run(scripts.lostEpochsTake, three, [limit - found.length, lostEpochHoldMs])
      const open = (rows as string[]).map((row) => JSON.parse(row) as OpenEpochRecord)
      const lost = await this.#markLost(node, open)
      found.push(...lost.map((row) => ({ ...row, node })))
    }
    return found
  }

  async ownOpenEpochs(): Promise<readonly OpenEpochRecord[]> {
    const { connection, keys, nodeId } = this.#deps
    const key = keys.openEpochRows(nodeId)
    const rows = (await connection.send(key, ['HVALS', key])) as string[]
    return rows.map((row) => JSON.parse(row) as OpenEpochRecord)
  }

  closeLostEpoch(chargePointId: string, epoch: number, node: string): Promise<void> {
    return this.#removeOpenEpoch(node, keyOf.openEpoch(chargePointId, epoch))
  }

  /**
   * Those of the rows that nobody can adopt any more. The owner is read before the lease and compared with what was read, so
   * that either this mark counts or the adoption of a node that only stood still, never both.
   */
  async #markLost(node: string, rows: readonly OpenEpochRecord[]): Promise<readonly OpenEpochRecord[]> {
    if (rows.length === 0) return []
    const { connection, keys, lease } = this.#deps
    const incarnations = await Promise.all(
      rows.map(({ chargePointId }) => {
        const owner = keys.owner(chargePointId)
        return connection.send(owner, ['HGET', owner, 'incarnation']) as Promise<string | null>
      })
    )
    // It is back: it adopts what it holds, or tells itself what its earlier life left open.
    if ((await lease.presenceOf(node)).alive) return []
    const marks = await Promise.all(
      rows.map(({ chargePointId, epoch }, n) =>
        connection.run(scripts.epochLost, [keys.owner(chargePointId)], [epoch, incarnations[n] ?? '', ownerMemoryMs])
      )
    )
    return rows.filter((_, n) => Number(marks[n]) === 1)
  }

  async #index(command: 'ZADD' | 'ZREM', index: string, members: ReadonlySet<string>): Promise<void> {
    if (members.size === 0) return
    const args = command === 'ZREM' ? members : [...members].flatMap((member) => ['0', member])
    await this.#deps.connection.send(index, [command, index, ...args])
  }

  async #projectOne(change: StoreChange): Promise<Listed> {
    const { connection, keys, nodeId } = this.#deps
    if (change.table === 'transactions') return this.#projectTransaction(change.key, change.value)
    if (change.table === 'chargePoints') return this.#projectChargePoint(change.key, change.value)
    if (change.table === 'openEpochs') {
      const both = [keys.openEpochs(nodeId), keys.openEpochRows(nodeId)] as const
      if (change.value) await connection.run(scripts.openEpochPut, both, [change.key, JSON.stringify(change.value)])
      else await this.#removeOpenEpoch(nodeId, change.key)
    }
    // Commands have their own place: the ledger.
    return {}
  }

  async #projectChargePoint(chargePointId: string, record: ChargePointRecord | null): Promise<Listed> {
    const { connection, keys, clock, chargePointMemoryMs } = this.#deps
    const key = keys.chargePoint(chargePointId)
    if (!record) {
      await connection.send(key, ['DEL', key])
      return {}
    }
    const nowMs = clock.now()
    const leftMs = (record.connections[0]?.disconnectedAtMs ?? nowMs) + chargePointMemoryMs - nowMs
    // On the disk of a node it stays, and comes anew at each of its starts.
    if (leftMs <= 0) return {}
    const args = [record.epoch, JSON.stringify(record), Math.min(leftMs, chargePointMemoryMs)]
    await connection.run(scripts.projectChargePoint, [key], args)
    return { chargePointId }
  }

  async #projectTransaction(key: string, row: TransactionRecord | null): Promise<Listed> {
    const { connection, keys, transactionMemoryMs } = this.#deps
    const cut = key.indexOf('\u0001')
    const chargePointId = key.slice(0, cut)
    const transactions = keys.transactions(chargePointId)
    const ended = keys.endedTransactions(chargePointId)
    if (!row) {
      await connection.run(scripts.removeTransaction, [transactions, ended], [key.slice(cut + 1)])
      return { closed: key }
    }
    const { transactionId, epoch, updatedAtMs, state, startKey } = row
    const now = await connection.run(
      scripts.projectTransaction,
      [transactions, ended, keys.start(chargePointId, startKey ?? '')],
      // biome-ignore format: as the script names them
      [transactionId, epoch, updatedAtMs, state, JSON.stringify(row), endedMax, transactionMemoryMs,
        startKey === undefined ? '0' : '1']
    )
    return { chargePointId, ...(now === 'open' ? { open: key } : { closed: key }) }
  }

  async #removeOpenEpoch(node: string, key: string): Promise<void> {
    const { connection, keys } = this.#deps
    const index = keys.openEpochs(node)
    const rows = keys.openEpochRows(node)
    await Promise.all([connection.send(index, ['ZREM', index, key]), connection.send(rows, ['HDEL', rows, key])])
  }

  async #chargePoint(chargePointId: string): Promise<ChargePointRecord | undefined> {
    const key = this.#deps.keys.chargePoint(chargePointId)
    const text = (await this.#deps.connection.send(key, ['HGET', key, 'record'])) as string | null
    return text === null ? undefined : (JSON.parse(text) as ChargePointRecord)
  }

  async #transactionsOf(chargePointId: string): Promise<TransactionRecord[]> {
    const key = this.#deps.keys.transactions(chargePointId)
    const rows = (await this.#deps.connection.send(key, ['HVALS', key])) as string[]
    return rows.map((row) => JSON.parse(row) as TransactionRecord).sort((a, b) => compareText(rowKey(a), rowKey(b)))
  }

  async #openTransactions(after: string | undefined, limit: number): Promise<TransactionRecord[]> {
    const { connection, keys } = this.#deps
    const found: TransactionRecord[] = []
    for await (const page of this.#pages(keys.openTransactionIndex, after, limit)) {
      const rows = await Promise.all(
        page.map(async (key) => {
          const cut = key.indexOf('\u0001')
          const hash = keys.transactions(key.slice(0, cut))
          return (await connection.send(hash, ['HGET', hash, key.slice(cut + 1)])) as string | null
        })
      )
      for (const text of rows) {
        const row = text === null ? undefined : (JSON.parse(text) as TransactionRecord)
        if (row?.state === 'open') found.push(row)
      }
      if (found.length >= limit) break
    }
    return found.slice(0, limit)
  }

  /** An index in byte order of its members, page by page, each page in one request. */
  async *#pages(index: string, after: string | undefined, size: number): AsyncGenerator<string[]> {
    const limit = Math.max(1, Math.min(size, pageMax))
    let from = after
    for (;;) {
      const min = from === undefined ? '-' : `(${from}`
      const command = ['ZRANGE', index, min, '+', 'BYLEX', 'LIMIT', 0, limit]
      const page = (await this.#deps.connection.send(index, command)) as string[]
      if (page.length > 0) yield page
      if (page.length < limit) return
      from = page.at(-1)
    }
  }
}

/** Where a row is listed now, or no more. */
interface Listed {
  readonly chargePointId?: string
  readonly open?: string
  readonly closed?: string
}

function rowKey({ chargePointId, transactionId }: TransactionRecord): string {
  return keyOf.transaction(chargePointId, transactionId)
}

/** As Redis and the local store sort: by bytes. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
