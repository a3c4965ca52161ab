import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import type { Directory } from '../../src/ports/directory.ts'
import type { NodeStore } from '../../src/ports/node-store.ts'
import { type ChargePointRecord, keyOf, type StoreChange, type TransactionRecord } from '../../src/ports/records.ts'
import type { FakeClock } from '../support/fake-clock.ts'

export interface OpenedDirectory {
  readonly directory: Directory
  readonly store: NodeStore
  readonly clock: FakeClock
  reopen(): Promise<OpenedDirectory>
  dispose(): Promise<void>
}

function chargePoint(chargePointId: string, epoch = 1): ChargePointRecord {
  return { chargePointId, epoch, version: '1.6', connections: [] }
}

function transaction(chargePointId: string, transactionId: string, state: 'open' | 'ended'): TransactionRecord {
  return { chargePointId, transactionId, version: '1.6', epoch: 1, state, seen: [], updatedAtMs: 1 }
}

function putChargePoint(record: ChargePointRecord): StoreChange {
  return { table: 'chargePoints', key: keyOf.chargePoint(record.chargePointId), value: record }
}

function putTransaction(record: TransactionRecord): StoreChange {
  return {
    table: 'transactions',
    key: keyOf.transaction(record.chargePointId, record.transactionId),
    value: record
  }
}

/** What every directory does, whatever it is kept in. */
export function directoryContract(name: string, create: () => Promise<OpenedDirectory>): void {
  const open = async (t: TestContext) => {
    let now = await create()
    t.after(() => now.dispose())
    return {
      ...now,
      reopen: async () => {
        now = await now.reopen()
        return now
      }
    }
  }
  const ids = (records: readonly TransactionRecord[]) =>
    records.map(({ chargePointId, transactionId }) => `${chargePointId}/${transactionId}`)

  test(`${name}: a charge point that was never seen has no record and no transactions`, async (t) => {
    const { directory } = await open(t)
    deepStrictEqual(await directory.load('CP-1'), { record: undefined, transactions: [] })
    deepStrictEqual(directory.recall('CP-1'), { record: undefined, transactions: [] })
    strictEqual(await directory.chargePoint('CP-1'), undefined)
  })

  test(`${name}: a session begins with what was appended, readers see what is on disk`, async (t) => {
    const { directory, store, reopen } = await open(t)
    const committed = store.commit([
      putChargePoint(chargePoint('CP-1', 7)),
      putTransaction(transaction('CP-1', '5', 'open')),
      putTransaction(transaction('CP-11', '6', 'open'))
    ])
    const expected = { record: chargePoint('CP-1', 7), transactions: [transaction('CP-1', '5', 'open')] }
    deepStrictEqual(directory.recall('CP-1'), expected)
    strictEqual(await directory.chargePoint('CP-1'), undefined)
    await committed
    deepStrictEqual(await directory.chargePoint('CP-1'), chargePoint('CP-1', 7))
    deepStrictEqual(await (await reopen()).directory.load('CP-1'), expected)
  })

  test(`${name}: charge points come in pages in id order`, async (t) => {
    const { directory, store } = await open(t)
    await store.commit(['CP-3', 'CP-1', 'CP-2', 'CP-10'].map((id) => putChargePoint(chargePoint(id))))
    const first = await directory.chargePoints(undefined, 3)
    deepStrictEqual(
      first.map(({ chargePointId }) => chargePointId),
      ['CP-1', 'CP-10', 'CP-2']
    )
    const rest = await directory.chargePoints('CP-2', 3)
    deepStrictEqual(
      rest.map(({ chargePointId }) => chargePointId),
      ['CP-3']
    )
    deepStrictEqual(await directory.chargePoints('CP-3', 3), [])
  })

  test(`${name}: transactions are found by charge point and by being open, in pages`, async (t) => {
    const { directory, store } = await open(t)
    await store.commit([
      putTransaction(transaction('CP-1', '1', 'open')),
      putTransaction(transaction('CP-1', '2', 'open')),
      putTransaction(transaction('CP-1', '3', 'open')),
      putTransaction(transaction('CP-2', '4', 'open'))
    ])
    await store.commit([putTransaction(transaction('CP-1', '2', 'ended'))])
    const find = async (filter: Parameters<Directory['transactions']>[0]) => ids(await directory.transactions(filter))
    deepStrictEqual(await find({ limit: 10 }), ['CP-1/1', 'CP-1/2', 'CP-1/3', 'CP-2/4'])
    deepStrictEqual(await find({ open: true, limit: 10 }), ['CP-1/1', 'CP-1/3', 'CP-2/4'])
    deepStrictEqual(await find({ open: false, limit: 10 }), ['CP-1/2'])
    deepStrictEqual(await find({ chargePointId: 'CP-1', open: true, limit: 10 }), ['CP-1/1', 'CP-1/3'])
    deepStrictEqual(await find({ chargePointId: 'CP-2', limit: 10 }), ['CP-2/4'])
    deepStrictEqual(await find({ open: true, limit: 2 }), ['CP-1/1', 'CP-1/3'])
    deepStrictEqual(await find({ open: true, limit: 2, after: keyOf.transaction('CP-1', '3') }), ['CP-2/4'])
    deepStrictEqual(await find({ limit: 1, after: keyOf.transaction('CP-1', '1') }), ['CP-1/2'])
    await store.commit([{ table: 'transactions', key: keyOf.transaction('CP-1', '1'), value: null }])
    deepStrictEqual(await find({ open: true, limit: 10 }), ['CP-1/3', 'CP-2/4'])
  })

  // Known failure C2: ids from Unix seconds or from a counter of the process, the same for two chargers.
  test(`${name}: transaction ids are positive int32, unique over restarts, and not below two a second since 2020`, async (t) => {
    const opened = await open(t)
    const given = new Set<number>()
    let { directory } = opened
    for (let life = 0; life < 4; life++) {
      const floor = 2 * Math.floor((opened.clock.now() - Date.UTC(2020, 0, 1)) / 1_000)
      for (let n = 0; n < 700; n++) {
        const id = await directory.nextTransactionId()
        ok(Number.isInteger(id) && id > 0 && id < 2 ** 31, String(id))
        if (n === 0) ok(id >= floor, `${id} is below ${floor}`)
        ok(!given.has(id), `${id} was given twice`)
        given.add(id)
      }
      if (life === 1) opened.clock.advance(86_400_000)
      directory = (await opened.reopen()).directory
    }
  })

  test(`${name}: a storm of starts gets its ids, each one its own`, async (t) => {
    const { directory } = await open(t)
    const ids = await Promise.all(Array.from({ length: 5_000 }, () => directory.nextTransactionId()))
    strictEqual(new Set(ids).size, 5_000)
  })

  test(`${name}: an id from a block on disk comes without waiting`, async (t) => {
    const { directory } = await open(t)
    strictEqual(typeof directory.nextTransactionId(), 'number')
  })
}
