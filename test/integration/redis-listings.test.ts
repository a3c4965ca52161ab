import { deepStrictEqual, strictEqual } from 'node:assert'
import {
  type ChargePointRecord,
  type ConnectionRecord,
  keyOf,
  type StoreChange,
  type TransactionRecord
} from '../../src/ports/records.ts'
import { onEach, redisPlaces, startedRedisNode } from '../support/redis-nodes.ts'
import { until } from '../support/until.ts'

// What is in Redis is bounded: a row expires, and its entry in a listing, which cannot, is swept away.

const places = redisPlaces()
const dayMs = 86_400_000

function chargePoint(chargePointId: string, left?: number): StoreChange {
  const connection: ConnectionRecord = {
    epoch: 1,
    node: 'node-a',
    version: '1.6',
    remoteAddress: '127.0.0.1',
    connectedAtMs: 1,
    ...(left !== undefined && { disconnectedAtMs: left, reason: 'closed_by_charge_point' })
  }
  const value: ChargePointRecord = { chargePointId, epoch: 1, version: '1.6', connections: [connection] }
  return { table: 'chargePoints', key: chargePointId, value }
}

function transaction(chargePointId: string, transactionId: string, state: TransactionRecord['state']): StoreChange {
  const value: TransactionRecord = {
    chargePointId,
    transactionId,
    version: '1.6',
    epoch: 1,
    state,
    seen: [],
    updatedAtMs: state === 'open' ? 1 : 2
  }
  return { table: 'transactions', key: keyOf.transaction(chargePointId, transactionId), value }
}

onEach(
  places,
  'a charge point is remembered for a time after it was last connected, and then listed no more',
  async (t, address) => {
    const node = await startedRedisNode(t, address, { chargePointMemoryMs: dayMs })
    const { shared } = node
    const listed = async () => (await shared.chargePoints(undefined, 10)).map(({ chargePointId }) => chargePointId)
    const nowMs = Date.now()
    await shared.project([
      chargePoint('CP-connected'),
      chargePoint('CP-away', nowMs - dayMs / 2),
      chargePoint('CP-soon', nowMs - dayMs + 3_000),
      // Its row stays on the disk of a node and comes again at each of its starts.
      chargePoint('CP-gone', nowMs - 2 * dayMs)
    ])
    deepStrictEqual(await listed(), ['CP-away', 'CP-connected', 'CP-soon'])
    await until('the memory of it is over', async () => (await shared.load('CP-soon')).record === undefined)
    deepStrictEqual(await listed(), ['CP-away', 'CP-connected'])
    strictEqual(await node.sweep(), 1)
    strictEqual(await node.sweep(), 0)
    deepStrictEqual(await listed(), ['CP-away', 'CP-connected'])
  }
)

onEach(places, 'an open transaction whose end was never told leaves the listing with its row', async (t, address) => {
  const node = await startedRedisNode(t, address, { transactionMemoryMs: 3_000, chargePointMemoryMs: dayMs })
  const { shared } = node
  const open = async () => (await shared.transactions({ open: true, limit: 10 })).map((row) => row.transactionId)
  await shared.project([chargePoint('CP-1'), transaction('CP-1', '1', 'open'), transaction('CP-2', '2', 'open')])
  deepStrictEqual(await open(), ['1', '2'])
  await shared.project([transaction('CP-2', '2', 'ended')])
  strictEqual(await node.sweep(), 0)
  deepStrictEqual(await open(), ['1'])
  await until('its row has expired', async () => (await open()).length === 0)
  await until('so has that of the other', async () => (await shared.load('CP-2')).transactions.length === 0)
  strictEqual(await node.sweep(), 2, 'the open one, and the charge point that has no row but its transaction')
  deepStrictEqual(
    (await shared.chargePoints(undefined, 10)).map(({ chargePointId }) => chargePointId),
    ['CP-1']
  )
})
