import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import type { NodeLease } from '../../src/ports/node-lease.ts'
import { type ChargePointRecord, keyOf, type StoreChange, type TransactionRecord } from '../../src/ports/records.ts'
import type { SessionRegistry } from '../../src/ports/session-registry.ts'
import type { SharedState } from '../../src/ports/shared-state.ts'
import { until } from '../support/until.ts'

export interface SharedWorld {
  node(options: { readonly id: string; readonly leaseTtlMs?: number }): Promise<SharedNode>
  empty(): Promise<void>
  dispose(): Promise<void>
}
export interface SharedNode {
  readonly shared: SharedState
  readonly lease: NodeLease
  readonly registry: SessionRegistry
  /** Like a crash: nothing is given back. */
  die(): Promise<void>
}

function chargePoint(chargePointId: string, changed: Partial<ChargePointRecord> = {}): ChargePointRecord {
  return { chargePointId, epoch: 1, version: '1.6', connections: [], ...changed }
}

function transaction(
  chargePointId: string,
  transactionId: string,
  changed: Partial<TransactionRecord> = {}
): TransactionRecord {
  const row = {
    chargePointId,
    transactionId,
    version: '1.6',
    epoch: 1,
    state: 'open',
    seen: [],
    updatedAtMs: 1
  } as const
  return { ...row, ...changed }
}

function put(record: ChargePointRecord | TransactionRecord): StoreChange {
  return 'transactionId' in record
    ? { table: 'transactions', key: keyOf.transaction(record.chargePointId, record.transactionId), value: record }
    : { table: 'chargePoints', key: keyOf.chargePoint(record.chargePointId), value: record }
}

function openEpoch(chargePointId: string, epoch: number, isOpen = true): StoreChange {
  const value = isOpen ? ({ chargePointId, epoch, version: '1.6', connectedAtMs: 5 } as const) : null
  return { table: 'openEpochs', key: keyOf.openEpoch(chargePointId, epoch), value }
}

/** What the shared state does, whatever it is kept in. */
export function sharedStateContract(name: string, create: () => Promise<SharedWorld>): void {
  const open = async (t: TestContext) => {
    const world = await create()
    t.after(() => world.dispose())
    return world
  }
  const two = async (t: TestContext) => {
    const world = await open(t)
    const [a, b] = await Promise.all([world.node({ id: 'node-a' }), world.node({ id: 'node-b' })])
    return { world, a: a.shared, b: b.shared }
  }
  const ids = (rows: readonly TransactionRecord[]) =>
    rows.map(({ chargePointId, transactionId }) => `${chargePointId}/${transactionId}`)

  test(`${name}: what one node projected another loads; what was never seen is empty`, async (t) => {
    const { a, b } = await two(t)
    deepStrictEqual(await b.load('CP-1'), { record: undefined, transactions: [] })
    const record = chargePoint('CP-1', { vendor: 'Säulen & Söhne' })
    await a.project([put(record), put(transaction('CP-1', '7')), put(transaction('CP-11', '8'))])
    deepStrictEqual(await b.load('CP-1'), { record, transactions: [transaction('CP-1', '7')] })
  })

  test(`${name}: an older epoch, or an older row, never overwrites a newer one`, async (t) => {
    const { a, b } = await two(t)
    const newer = chargePoint('CP-1', { epoch: 9, vendor: 'new' })
    await a.project([put(newer)])
    await b.project([put(chargePoint('CP-1', { epoch: 8, vendor: 'old' }))])
    deepStrictEqual((await b.load('CP-1')).record, newer)
    const row = (epoch: number, updatedAtMs: number, meterStopWh: number) =>
      transaction('CP-1', '7', { epoch, updatedAtMs, meterStopWh })
    for (const [epoch, updatedAtMs, meterStopWh] of [
      [5, 100, 1],
      [4, 900, 2],
      [5, 99, 3],
      [5, 100, 4],
      [6, 1, 5]
    ] as const)
      await a.project([put(row(epoch, updatedAtMs, meterStopWh))])
    deepStrictEqual((await b.load('CP-1')).transactions, [row(6, 1, 5)])
    await b.project([put(row(5, 100, 6))])
    deepStrictEqual((await b.load('CP-1')).transactions, [row(6, 1, 5)])
  })

  test(`${name}: of several changes to one row in one call the last counts`, async (t) => {
    const { a, b } = await two(t)
    const rows = Array.from({ length: 20 }, (_, n) => put(chargePoint('CP-1', { vendor: `v${n}` })))
    await a.project(rows)
    strictEqual((await b.load('CP-1')).record?.vendor, 'v19')
    await a.project([{ table: 'chargePoints', key: 'CP-1', value: null }])
    strictEqual((await b.load('CP-1')).record, undefined)
  })

  test(`${name}: charge points come in pages in id order`, async (t) => {
    const { a, b } = await two(t)
    await a.project(['CP-3', 'CP-1', 'CP-é', 'CP-2', 'CP-10'].map((id) => put(chargePoint(id))))
    const page = async (after: string | undefined, limit: number) =>
      (await b.chargePoints(after, limit)).map(({ chargePointId }) => chargePointId)
    deepStrictEqual(await page(undefined, 3), ['CP-1', 'CP-10', 'CP-2'])
    deepStrictEqual(await page('CP-2', 3), ['CP-3', 'CP-é'])
    deepStrictEqual(await page('CP-é', 3), [])
  })

  test(`${name}: transactions are found by charge point and by being open, in pages`, async (t) => {
    const { a, b } = await two(t)
    await a.project(
      [
        ['CP-1', '1'],
        ['CP-1', '2'],
        ['CP-1', '3'],
        ['CP-2', '4']
      ].map(([id = '', transactionId = '']) => put(transaction(id, transactionId)))
    )
    await b.project([put(transaction('CP-1', '2', { state: 'ended', updatedAtMs: 2 }))])
    const find = async (filter: Parameters<SharedState['transactions']>[0]) => ids(await b.transactions(filter))
    deepStrictEqual(await find({ limit: 10 }), ['CP-1/1', 'CP-1/2', 'CP-1/3', 'CP-2/4'])
    deepStrictEqual(await find({ open: true, limit: 10 }), ['CP-1/1', 'CP-1/3', 'CP-2/4'])
    deepStrictEqual(await find({ open: false, limit: 10 }), ['CP-1/2'])
    deepStrictEqual(await find({ chargePointId: 'CP-1', open: true, limit: 10 }), ['CP-1/1', 'CP-1/3'])
    deepStrictEqual(await find({ open: true, limit: 2 }), ['CP-1/1', 'CP-1/3'])
    deepStrictEqual(await find({ open: true, limit: 2, after: keyOf.transaction('CP-1', '3') }), ['CP-2/4'])
    deepStrictEqual(await find({ limit: 2, after: keyOf.transaction('CP-1', '2') }), ['CP-1/3', 'CP-2/4'])
    await a.project([{ table: 'transactions', key: keyOf.transaction('CP-1', '1'), value: null }])
    deepStrictEqual(await find({ open: true, limit: 10 }), ['CP-1/3', 'CP-2/4'])
  })

  test(`${name}: ended transactions of a charge point are bounded, the oldest go first`, async (t) => {
    const { a, b } = await two(t)
    await a.project([put(transaction('CP-1', 'open'))])
    for (let n = 0; n < 80; n++)
      await a.project([put(transaction('CP-1', `e${n}`, { state: 'ended', updatedAtMs: n }))])
    const left = (await b.load('CP-1')).transactions
    strictEqual(left.length, 65)
    ok(left.some(({ transactionId }) => transactionId === 'open'))
    ok(!left.some(({ transactionId }) => transactionId === 'e15'))
    ok(left.some(({ transactionId }) => transactionId === 'e16'))
  })

  // Known failure C2: ids from Unix seconds, or a counter per process.
  test(`${name}: blocks of transaction ids of two nodes never meet, and none lies below what is asked for`, async (t) => {
    const { a, b, world } = await two(t)
    const floor = 2 * Math.floor((Date.now() - Date.UTC(2020, 0, 1)) / 1_000)
    const blocks = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? a : b).reserveTransactionIds(1_000, 0))
    )
    const sorted = blocks.toSorted((x, y) => x.first - y.first)
    for (const [index, { first, last }] of sorted.entries()) {
      strictEqual(last - first, 999)
      ok(first >= floor && first > (sorted[index - 1]?.last ?? 0))
    }
    const high = (sorted.at(-1)?.last ?? 0) + 500_000
    strictEqual((await a.reserveTransactionIds(10, high)).first, high)
    await world.empty()
    ok((await b.reserveTransactionIds(10, high + 10)).first >= high + 10)
  })

  test(`${name}: a counter that was lost goes on where a node has heard that it was, and beyond what others took since`, async (t) => {
    const { a, b, world } = await two(t)
    await a.reserveTransactionIds(1_000, 0)
    const heard = (await b.reserveTransactionIds(0, 0)).first
    strictEqual((await b.reserveTransactionIds(0, heard)).first, heard, 'hearing takes nothing')
    const since = await a.reserveTransactionIds(1_000, 0)
    await world.empty()
    const after = await b.reserveTransactionIds(1_000, heard)
    ok(after.first > since.last)
    await world.empty()
    await a.reserveTransactionIds(0, after.last + 1_000_000)
    ok((await b.reserveTransactionIds(1_000, 0)).first >= after.last + 1_000_000, 'told by another node')
  })

  test(`${name}: a retried start gets the id of the open transaction, also on another node, until it has ended`, async (t) => {
    const { a, b } = await two(t)
    const given = await Promise.all([a.reserveTransaction('CP-1', 'key', 11), b.reserveTransaction('CP-1', 'key', 12)])
    const [id = 0] = given
    strictEqual(given[1], id)
    strictEqual(await b.reserveTransaction('CP-2', 'key', 13), 13, 'of another charge point')
    await a.project([put(transaction('CP-1', String(id), { startKey: 'key' }))])
    strictEqual(await b.reserveTransaction('CP-1', 'key', 14), id)
    await a.project([put(transaction('CP-1', String(id), { startKey: 'key', state: 'ended', updatedAtMs: 2 }))])
    strictEqual(await b.reserveTransaction('CP-1', 'key', 15), 15)
  })

  test(`${name}: a reservation that was emptied is there again once the open transaction is projected anew`, async (t) => {
    const { a, b, world } = await two(t)
    strictEqual(await a.reserveTransaction('CP-1', 'key', 11), 11)
    await world.empty()
    await a.project([put(transaction('CP-1', '11', { startKey: 'key' }))])
    strictEqual(await b.reserveTransaction('CP-1', 'key', 12), 11)
  })

  test(`${name}: open epochs of a node are lost with its lease, each to one caller, until they are closed`, async (t) => {
    const world = await open(t)
    const a = await world.node({ id: 'node-a', leaseTtlMs: 300 })
    const [b, c] = await Promise.all([world.node({ id: 'node-b' }), world.node({ id: 'node-c' })])
    await a.shared.project([openEpoch('CP-1', 5), openEpoch('CP-2', 6), openEpoch('CP-3', 7)])
    await a.shared.project([openEpoch('CP-3', 7, false)])
    deepStrictEqual(await b.shared.takeLostEpochs(10), [], 'its lease lives')
    await a.die()
    const taken: { readonly chargePointId: string; readonly node: string; readonly epoch: number }[] = []
    await until('all are taken', async () => {
      const both = await Promise.all([b.shared.takeLostEpochs(10), c.shared.takeLostEpochs(10)])
      taken.push(...both.flat())
      return taken.length >= 2
    })
    deepStrictEqual(taken.map(({ chargePointId, node, epoch }) => `${node} ${chargePointId} ${epoch}`).sort(), [
      'node-a CP-1 5',
      'node-a CP-2 6'
    ])
    deepStrictEqual(await c.shared.takeLostEpochs(10), [])
    await b.shared.closeLostEpoch('CP-1', 5, 'node-a')
    await b.shared.closeLostEpoch('CP-2', 6, 'node-a')
    deepStrictEqual(await c.shared.takeLostEpochs(10), [])
  })

  test(`${name}: an epoch that is given as lost is adopted no more, and one that was adopted is not given`, async (t) => {
    const world = await open(t)
    const b = await world.node({ id: 'node-b' })
    const first = await world.node({ id: 'node-a', leaseTtlMs: 300 })
    const told = await first.registry.claim('CP-1')
    const kept = await first.registry.claim('CP-2')
    // Admitted while the registry was away: a newer epoch than it knows.
    const unknown = { epoch: (await first.registry.claim('CP-3')).epoch + 1 }
    const epochs = [openEpoch('CP-1', told.epoch), openEpoch('CP-2', kept.epoch), openEpoch('CP-3', unknown.epoch)]
    await first.shared.project(epochs)
    await first.die()
    await until(
      'its lease has run out',
      async () => !(await b.lease.nodes()).find(({ node }) => node === 'node-a')?.alive
    )
    // As a node that stood still does: with a new incarnation.
    const again = await world.node({ id: 'node-a', leaseTtlMs: 300 })
    strictEqual(await again.registry.adopt('CP-2', kept.epoch), true)
    deepStrictEqual((await again.shared.ownOpenEpochs()).map(({ chargePointId }) => chargePointId).sort(), [
      'CP-1',
      'CP-2',
      'CP-3'
    ])
    await again.shared.project([openEpoch('CP-2', kept.epoch, false)])
    deepStrictEqual(await b.shared.takeLostEpochs(10), [], 'it lives again')
    await again.die()
    const taken: string[] = []
    await until('the others are taken', async () => {
      for (const { chargePointId } of await b.shared.takeLostEpochs(10)) taken.push(chargePointId)
      return taken.length >= 2
    })
    deepStrictEqual(taken.sort(), ['CP-1', 'CP-3'])
    const third = await world.node({ id: 'node-a' })
    strictEqual(await third.registry.adopt('CP-1', told.epoch), false)
    strictEqual(await third.registry.adopt('CP-3', unknown.epoch), false)
    strictEqual(await third.registry.adopt('CP-2', kept.epoch), true)
    const next = await third.registry.claim('CP-1')
    ok(next.epoch > told.epoch)
    strictEqual(await third.registry.adopt('CP-1', next.epoch), true)
  })

  test(`${name}: emptied, every method behaves as if fresh`, async (t) => {
    const { a, b, world } = await two(t)
    await a.project([put(chargePoint('CP-1')), put(transaction('CP-1', '1')), openEpoch('CP-1', 5)])
    await world.empty()
    deepStrictEqual(await b.load('CP-1'), { record: undefined, transactions: [] })
    deepStrictEqual(await b.chargePoints(undefined, 10), [])
    deepStrictEqual(await b.transactions({ limit: 10 }), [])
    deepStrictEqual(await b.transactions({ open: true, limit: 10 }), [])
    deepStrictEqual(await b.takeLostEpochs(10), [])
    await b.closeLostEpoch('CP-1', 5, 'node-a')
    await a.project([openEpoch('CP-1', 5, false), put(chargePoint('CP-1'))])
    deepStrictEqual((await b.load('CP-1')).record, chargePoint('CP-1'))
  })
}
