import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { ClusterDirectory } from '../../../src/gateway/cluster/directory.ts'
import type { ChargePointRecord, StoreChange, TransactionRecord } from '../../../src/ports/records.ts'
import type { SharedState } from '../../../src/ports/shared-state.ts'
import { GatewayHarness, turn } from '../../support/gateway.ts'
import { away } from '../../support/kept-ledger.ts'
import { MemoryStore, memoryDirectory } from '../../support/memory-ports.ts'

/** What nodes share, without its fencing: the newest write stands. */
class SharedMemory {
  readonly chargePoints = new Map<string, ChargePointRecord>()
  readonly transactions = new Map<string, TransactionRecord>()
  #ids = 0

  take(changes: readonly StoreChange[]): void {
    for (const { table, key, value } of changes) {
      if (table === 'chargePoints' && value) this.chargePoints.set(key, value)
      if (table === 'transactions' && value) this.transactions.set(key, value)
    }
  }

  get state(): SharedState {
    return {
      load: async (chargePointId: string) => ({
        record: this.chargePoints.get(chargePointId),
        transactions: [...this.transactions.values()].filter((row) => row.chargePointId === chargePointId)
      }),
      reserveTransaction: async () => ++this.#ids
    } as unknown as SharedState
  }
}

function nodeWith(shared: SharedMemory): GatewayHarness {
  const store = new MemoryStore()
  const gateway = new GatewayHarness({ store, directory: new ClusterDirectory(shared.state, memoryDirectory(store)) })
  gateway.node.pipeline.onLanded((entries) => {
    for (const { changes } of entries) shared.take(changes)
  })
  return gateway
}

async function booted(gateway: GatewayHarness) {
  const station = await gateway.connect('CP-1')
  station.boot()
  await turn()
  return station
}

const start = { connectorId: 1, idTag: 'TAG', meterStart: 7, timestamp: '2026-11-23T10:00:00.000Z' }
const stop = { transactionId: 1, meterStop: 9, timestamp: '2026-11-23T10:09:00.000Z' }

for (const connections of [1, 2, 3]) {
  test(`a transaction of another node is ended as what it is by connection ${connections} here`, async () => {
    const shared = new SharedMemory()
    const there = nodeWith(shared)
    const first = await booted(there)
    first.call('StartTransaction', start)
    await turn()
    first.conversation.closed('connection_lost')
    await turn()
    const here = nodeWith(shared)
    here.clock.advance(10_000)
    let station = await booted(here)
    for (let n = 1; n < connections; n++) {
      station.conversation.closed('connection_lost')
      await turn()
      here.clock.advance(10_000)
      station = await booted(here)
    }
    station.call('StopTransaction', stop)
    await turn()
    const [ended] = here.log.events('transaction.ended')
    ok(ended)
    deepStrictEqual([ended.data.flags, ended.data.energyWh, ended.data.idToken], [undefined, 2, { value: 'TAG' }])
  })
}

function row(epoch: number, updatedAtMs: number, state: TransactionRecord['state']): TransactionRecord {
  return { chargePointId: 'CP-1', transactionId: '1', version: '1.6', epoch, state, seen: [], updatedAtMs }
}

test('of two rows of a transaction that of the higher epoch stands, whatever the clocks of their nodes say', async () => {
  const shared = new SharedMemory()
  shared.take([{ table: 'transactions', key: 'CP-1\u00011', value: row(8, 1_000, 'ended') }])
  const store = new MemoryStore()
  // This node's clock is five minutes ahead.
  await store.commit([{ table: 'transactions', key: 'CP-1\u00011', value: row(7, 301_000, 'open') }])
  const directory = new ClusterDirectory(shared.state, memoryDirectory(store))
  strictEqual((await directory.load('CP-1')).transactions[0]?.state, 'ended')
})

// It was answered with 404, "never seen here", by every node that it had not been connected to.
test('while the registry is away nobody says of a charge point that it was never seen', async () => {
  const store = new MemoryStore()
  const record: ChargePointRecord = { chargePointId: 'CP-1', epoch: 7, version: '1.6', connections: [] }
  await store.commit([{ table: 'chargePoints', key: 'CP-1', value: record }])
  const shared = { load: () => Promise.reject(away) } as unknown as SharedState
  const directory = new ClusterDirectory(shared, memoryDirectory(store))
  await rejects(directory.chargePoint('CP-2'), { code: 'registry_unavailable' })
  deepStrictEqual(await directory.chargePoint('CP-1'), record)
  deepStrictEqual(
    await directory.load('CP-2'),
    { record: undefined, transactions: [] },
    'a session begins all the same'
  )
})
