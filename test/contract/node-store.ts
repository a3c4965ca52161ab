import { deepStrictEqual, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import type { EventLog } from '../../src/ports/event-log.ts'
import type { NodeStore } from '../../src/ports/node-store.ts'
import { keyOf, type OpenEpochRecord, type StoreChange } from '../../src/ports/records.ts'

export interface OpenedNodeStore {
  readonly store: NodeStore
  readonly log: EventLog
  reopen(): Promise<OpenedNodeStore>
  dispose(): Promise<void>
}

function row(chargePointId: string, epoch: number, connectedAtMs = 1): OpenEpochRecord {
  return { chargePointId, epoch, version: '2.0.1', connectedAtMs }
}

function put(chargePointId: string, epoch: number, connectedAtMs = 1): StoreChange {
  return {
    table: 'openEpochs',
    key: keyOf.openEpoch(chargePointId, epoch),
    value: row(chargePointId, epoch, connectedAtMs)
  }
}

function remove(chargePointId: string, epoch: number): StoreChange {
  return { table: 'openEpochs', key: keyOf.openEpoch(chargePointId, epoch), value: null }
}

/** What every node store does, whatever it is kept in. */
export function nodeStoreContract(name: string, create: () => Promise<OpenedNodeStore>): void {
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
  const names = (rows: readonly OpenEpochRecord[]) =>
    rows.map(({ chargePointId, epoch }) => `${chargePointId}/${epoch}`)

  test(`${name}: a row that was never put is not there`, async (t) => {
    const { store } = await open(t)
    strictEqual(store.get('openEpochs', keyOf.openEpoch('CP-1', 1)), undefined)
    deepStrictEqual(store.list('openEpochs'), [])
  })

  test(`${name}: the newest value is seen before it is on disk, and after`, async (t) => {
    const { store, reopen } = await open(t)
    const key = keyOf.openEpoch('CP-1', 1)
    const first = store.commit([put('CP-1', 1, 10)])
    const second = store.commit([put('CP-1', 1, 20)])
    strictEqual(store.get('openEpochs', key)?.connectedAtMs, 20)
    await first
    strictEqual(store.get('openEpochs', key)?.connectedAtMs, 20)
    await second
    strictEqual((await reopen()).store.get('openEpochs', key)?.connectedAtMs, 20)
  })

  test(`${name}: a removed row is gone before that is on disk, and after`, async (t) => {
    const { store, reopen } = await open(t)
    const key = keyOf.openEpoch('CP-1', 1)
    await store.commit([put('CP-1', 1)])
    const removed = store.commit([remove('CP-1', 1)])
    strictEqual(store.get('openEpochs', key), undefined)
    deepStrictEqual(store.list('openEpochs'), [])
    await removed
    strictEqual((await reopen()).store.get('openEpochs', key), undefined)
  })

  test(`${name}: of several changes of one commit to one row the last counts`, async (t) => {
    const { store, reopen } = await open(t)
    await store.commit([put('CP-1', 1, 10), remove('CP-1', 1), put('CP-1', 1, 30), put('CP-2', 1), remove('CP-2', 1)])
    const again = (await reopen()).store
    deepStrictEqual(again.list('openEpochs'), [row('CP-1', 1, 30)])
  })

  test(`${name}: changes of events and changes alone keep the order of the calls`, async (t) => {
    const { store, log, reopen } = await open(t)
    const text = '{}'
    await Promise.all([
      log.append([{ chargePointId: 'CP-1', type: 'meter.values', text, changes: [put('CP-1', 1, 10)] }]),
      store.commit([put('CP-1', 1, 20)]),
      log.append([{ chargePointId: 'CP-2', type: 'meter.values', text, changes: [put('CP-2', 1, 40)] }]),
      store.commit([remove('CP-2', 1)])
    ])
    const again = (await reopen()).store
    deepStrictEqual(again.list('openEpochs'), [row('CP-1', 1, 20)])
  })

  test(`${name}: rows come in key order, by prefix, after a key and up to a limit, staged ones among them`, async (t) => {
    const { store } = await open(t)
    await store.commit([
      put('CP-2', 1),
      put('CP-1', 3),
      put('CP-1', 1),
      put('CP-10', 1),
      put('CP-é', 1),
      put('CP-3', 9)
    ])
    const staged = store.commit([
      put('CP-1', 2),
      remove('CP-3', 9),
      put('CP-1', 1, 99),
      put('CP-𐐷', 1),
      put('CP-\uffee', 1)
    ])
    for (const when of ['while it is on its way', 'once it is on disk']) {
      deepStrictEqual(
        names(store.list('openEpochs')),
        ['CP-1/1', 'CP-1/2', 'CP-1/3', 'CP-10/1', 'CP-2/1', 'CP-é/1', 'CP-\uffee/1', 'CP-𐐷/1'],
        when
      )
      const one = keyOf.openEpoch('CP-1', 1).slice(0, -1)
      deepStrictEqual(names(store.list('openEpochs', { prefix: one })), ['CP-1/1', 'CP-1/2', 'CP-1/3'], when)
      deepStrictEqual(
        names(store.list('openEpochs', { prefix: one, after: keyOf.openEpoch('CP-1', 1), limit: 1 })),
        ['CP-1/2'],
        when
      )
      deepStrictEqual(names(store.list('openEpochs', { after: keyOf.openEpoch('CP-2', 1), limit: 2 })), [
        'CP-é/1',
        'CP-\uffee/1'
      ])
      strictEqual(store.list('openEpochs', { limit: 3 })[0]?.connectedAtMs, 99, when)
      await staged
    }
  })

  test(`${name}: tables do not see each other's rows`, async (t) => {
    const { store } = await open(t)
    await store.commit([put('CP-1', 1)])
    deepStrictEqual(store.list('chargePoints'), [])
    deepStrictEqual(store.list('transactions'), [])
    deepStrictEqual(store.list('commands'), [])
    strictEqual(store.get('chargePoints', keyOf.openEpoch('CP-1', 1)), undefined)
  })
}
