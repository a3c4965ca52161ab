import { deepStrictEqual, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { ClusterPoints } from '../../../src/gateway/cluster/points-view.ts'
import type { ChargePointView } from '../../../src/gateway/views.ts'
import type { ControlReply } from '../../../src/ports/control-channel.ts'
import type { LeaseState } from '../../../src/ports/node-lease.ts'
import type { ChargePointRecord, ConnectionRecord } from '../../../src/ports/records.ts'

function record(chargePointId: string, node: string, ended?: string): ChargePointRecord {
  const connection: ConnectionRecord = {
    epoch: 7,
    node,
    version: '1.6',
    remoteAddress: '127.0.0.1',
    connectedAtMs: 1,
    ...(ended !== undefined && { reason: ended, disconnectedAtMs: 2 })
  }
  return { chargePointId, epoch: 7, version: '1.6', connections: [connection] }
}

/** This is node-a; node-b lives, node-dead does not. Live here: CP-here. */
const records = [
  record('CP-dead', 'node-dead'),
  record('CP-ended', 'node-b', 'closed_by_charge_point'),
  record('CP-here', 'node-b'),
  record('CP-other', 'node-b'),
  record('CP-stale', 'node-a')
]

function points(owner?: string, reply: ControlReply = 'accepted') {
  const pages: (string | undefined)[] = []
  const sent: string[] = []
  const is: { lease: LeaseState; missingIsDead: boolean } = { lease: 'held', missingIsDead: true }
  const here = (id: string): ChargePointView | undefined => {
    const known = records.find(({ chargePointId }) => chargePointId === id)
    if (!known) return undefined
    const live = { node: 'node-a', epoch: 8, connectedAtMs: 2, remoteAddress: '127.0.0.1' }
    return { record: known, ...(id === 'CP-here' && { live }) }
  }
  const view = new ClusterPoints({
    node: 'node-a',
    here: { get: async (id) => here(id), list: async () => [], disconnect: async (id) => id === 'CP-here' },
    directory: {
      chargePoint: async (id) => records.find(({ chargePointId }) => chargePointId === id),
      chargePoints: async (after = '', limit) => {
        pages.push(after)
        return records.filter(({ chargePointId }) => chargePointId > after).slice(0, limit)
      }
    },
    registry: { locate: async () => (owner === undefined ? undefined : { node: owner, epoch: 7 }) },
    lease: {
      state: () => ({ kind: is.lease, sinceMs: 0 }),
      nodes: async () =>
        ['node-a', 'node-b', 'node-dead'].map((node) => ({ node, incarnation: '1', alive: node !== 'node-dead' }))
    },
    missingIsDead: () => is.missingIsDead,
    control: {
      send: async (node, message) => {
        sent.push(`${message.kind} to ${node}`)
        return reply
      }
    }
  })
  const list = async (filter: { connected?: boolean; after?: string; limit: number }) =>
    (await view.list(filter)).map((one) => `${one.record.chargePointId} ${one.live?.node ?? 'away'}`)
  return { view, list, pages, sent, is }
}

test('connected is who is live here, or was written down so by another node that lives', async () => {
  deepStrictEqual(await points().list({ limit: 10 }), [
    'CP-dead away',
    'CP-ended away',
    'CP-here node-a',
    'CP-other node-b',
    'CP-stale away'
  ])
  const { view } = points()
  strictEqual((await view.get('CP-other'))?.live?.node, 'node-b')
  strictEqual((await view.get('CP-here'))?.live?.epoch, 8, 'the session itself knows more than its row')
  strictEqual(await view.get('CP-none'), undefined)
})

const unavailable = { code: 'registry_unavailable', canRetry: true }

// While Redis was full all leases ran out, and each node listed only its own as connected.
test('while this node cannot renew its lease, or has not adopted since, only what is live here is told', async () => {
  const { view, list, is } = points()
  for (const kind of ['away', 'lost'] as const) {
    is.lease = kind
    for (const connected of [{}, { connected: true }, { connected: false }])
      await rejects(list({ ...connected, limit: 10 }), unavailable)
    await rejects(view.get('CP-other'), unavailable)
    strictEqual((await view.get('CP-here'))?.live?.node, 'node-a')
  }
  // Another gateway has the id of this one: Redis takes writes all the same.
  is.lease = 'taken'
  deepStrictEqual(await list({ connected: true, limit: 10 }), ['CP-here node-a', 'CP-other node-b'])
})

test('whose node has no lease is not told as away before that means that it is dead; nobody else waits for it', async () => {
  const { view, list, is } = points()
  is.missingIsDead = false
  await rejects(list({ limit: 10 }), unavailable)
  await rejects(view.get('CP-dead'), unavailable)
  strictEqual((await view.get('CP-other'))?.live?.node, 'node-b')
  strictEqual((await view.get('CP-ended'))?.live, undefined)
  deepStrictEqual(await list({ limit: 2, after: 'CP-dead' }), ['CP-ended away', 'CP-here node-a'])
  is.missingIsDead = true
  deepStrictEqual(await list({ limit: 1 }), ['CP-dead away'])
})

test('a page is filled past those that were not asked for, and the next one begins after it', async () => {
  const { list } = points()
  deepStrictEqual(await list({ connected: true, limit: 2 }), ['CP-here node-a', 'CP-other node-b'])
  deepStrictEqual(await list({ connected: true, limit: 1, after: 'CP-here' }), ['CP-other node-b'])
  deepStrictEqual(await list({ connected: false, limit: 2 }), ['CP-dead away', 'CP-ended away'])
  deepStrictEqual(await list({ connected: false, limit: 2, after: 'CP-ended' }), ['CP-stale away'])
})

test('a charge point is disconnected here, or by the node that owns it, and by nobody else', async () => {
  const here = points('node-b')
  deepStrictEqual([await here.view.disconnect('CP-here'), here.sent], [true, []])
  const other = points('node-b')
  deepStrictEqual([await other.view.disconnect('CP-other'), other.sent], [true, ['disconnect to node-b']])
  const stale = points('node-b', 'not_owner')
  strictEqual(await stale.view.disconnect('CP-other'), false)
  for (const owner of [undefined, 'node-a']) {
    const none = points(owner)
    deepStrictEqual([await none.view.disconnect('CP-stale'), none.sent], [false, []])
  }
})
