import { deepStrictEqual, notStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { missingIsDead } from '../../../src/gateway/cluster/dead-nodes.ts'
import { LostEpochs } from '../../../src/gateway/cluster/lost-epochs.ts'
import type { LeaseState } from '../../../src/ports/node-lease.ts'
import type { ChargePointRecord, ConnectionRecord, OpenEpochRecord } from '../../../src/ports/records.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { GatewayHarness, turn } from '../../support/gateway.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

type Lost = OpenEpochRecord & { readonly node: string }

const row = (chargePointId: string, epoch: number): OpenEpochRecord => ({
  chargePointId,
  epoch,
  version: '1.6',
  connectedAtMs: 1
})

/** Node a, and what the shared state holds of others and of it. */
function made(shared: {
  readonly lost?: readonly Lost[]
  readonly own?: readonly OpenEpochRecord[]
  readonly record?: ChargePointRecord
}) {
  const gateway = new GatewayHarness()
  const closed: string[] = []
  const projected: unknown[] = []
  const logger = memoryLogger()
  const state = { othersAreDead: true }
  const lostEpochs = new LostEpochs({
    node: 'node-a',
    clock: gateway.clock,
    shared: {
      takeLostEpochs: async () => shared.lost ?? [],
      ownOpenEpochs: async () => shared.own ?? [],
      load: async () => ({ record: shared.record, transactions: [] }),
      project: async (changes) => {
        projected.push(...changes.map(({ value }) => value))
      },
      closeLostEpoch: async (chargePointId, epoch, node) => {
        closed.push(`${chargePointId} ${epoch} of ${node}`)
      }
    },
    store: gateway.store,
    missingIsDead: () => state.othersAreDead,
    pipeline: gateway.node.pipeline,
    events: gateway.node.events,
    logger
  })
  return { gateway, lostEpochs, closed, projected, state, logger }
}

const ends = (gateway: GatewayHarness) =>
  gateway.log.events().filter(({ type }) => type === 'charge_point.disconnected')

// A node that stood still was taken for lost, went on, and ended its session in order: one id had two contents.
test('what another node tells as lost and what the own node tells of the same end are two events', async () => {
  const { gateway, lostEpochs } = made({ lost: [{ ...row('CP-1', 1), node: 'node-a' }] })
  const { conversation } = await gateway.connect('CP-1')
  await lostEpochs.sweep()
  conversation.closed('closed_by_charge_point')
  await turn()
  const [lost, own] = ends(gateway)
  deepStrictEqual([lost?.data.reason, lost?.sequence, lost?.epoch], ['node_lost', undefined, 1])
  deepStrictEqual([own?.data.reason, own?.epoch], ['closed_by_charge_point', 1])
  notStrictEqual(own?.sequence, undefined)
  notStrictEqual(own?.id, lost?.id)
})

test('a lost epoch is closed for good once its event is on disk, and told again it has the same id', async () => {
  const lost = [{ ...row('CP-1', 5), node: 'node-b' }]
  const { gateway, lostEpochs, closed } = made({ lost })
  await lostEpochs.sweep()
  deepStrictEqual(closed, [])
  await turn()
  deepStrictEqual(closed, ['CP-1 5 of node-b'])
  await lostEpochs.sweep()
  await turn()
  const [first, second] = ends(gateway)
  strictEqual(first?.id, second?.id)
})

const connection = (epoch: number, node: string, reason?: string): ConnectionRecord => ({
  epoch,
  node,
  version: '1.6',
  remoteAddress: '10.0.0.7',
  connectedAtMs: epoch,
  ...(reason !== undefined && { disconnectedAtMs: epoch + 1, reason })
})
const remembered = (...connections: readonly ConnectionRecord[]): ChargePointRecord => ({
  chargePointId: 'CP-1',
  epoch: connections[0]?.epoch ?? 0,
  version: '1.6',
  registration: { status: 'accepted', intervalS: 300, decidedAtMs: 1 },
  connections
})

// The topic had `node_lost`, the API no end at all, and after the next connection `replaced`.
test('what is told as lost has ended in what is remembered too, at the time of the event', async () => {
  const earlier = connection(3, 'node-c', 'closed_by_charge_point')
  const record = remembered(connection(5, 'node-b'), earlier)
  const { gateway, lostEpochs, projected, closed } = made({ lost: [{ ...row('CP-1', 5), node: 'node-b' }], record })
  const toldAtMs = gateway.clock.now()
  await lostEpochs.sweep()
  deepStrictEqual(projected, [], 'not before the event is on disk')
  gateway.clock.advance(10)
  await turn()
  const ended = { ...connection(5, 'node-b'), disconnectedAtMs: toldAtMs, reason: 'node_lost' }
  deepStrictEqual(projected, [{ ...record, connections: [ended, earlier] }])
  deepStrictEqual(closed, ['CP-1 5 of node-b'])
})

test('an end that is known, and what a newer connection remembers, is left as it is when an epoch is told as lost', async () => {
  for (const record of [
    remembered(connection(5, 'node-b', 'taken_for_lost')),
    remembered(connection(6, 'node-c'), connection(5, 'node-b', 'replaced')),
    remembered(connection(5, 'node-c')),
    undefined
  ]) {
    const lost = [{ ...row('CP-1', 5), node: 'node-b' }]
    const { lostEpochs, projected, closed } = made({ lost, ...(record && { record }) })
    await lostEpochs.sweep()
    await turn()
    deepStrictEqual([projected, closed], [[], ['CP-1 5 of node-b']])
  }
})

test('a sweep says once of each dead gateway which one it is and how many connections it left', async () => {
  const of = (chargePointId: string, epoch: number, node: string) => ({ ...row(chargePointId, epoch), node })
  const lost = [of('CP-1', 5, 'node-b'), of('CP-2', 6, 'node-c'), of('CP-3', 7, 'node-b')]
  const { lostEpochs, logger } = made({ lost })
  await lostEpochs.sweep()
  deepStrictEqual(
    logger.lines.map(({ level, fields }) => ({ level, ...fields })),
    [
      { level: 'warn', lostNode: 'node-b', connections: 2 },
      { level: 'warn', lostNode: 'node-c', connections: 1 }
    ]
  )
})

test('nobody is told as lost while a missing lease does not say that its node is dead', async () => {
  const { gateway, lostEpochs, state } = made({ lost: [{ ...row('CP-1', 5), node: 'node-b' }] })
  state.othersAreDead = false
  strictEqual(await lostEpochs.sweep(), 0)
  await turn()
  strictEqual(ends(gateway).length, 0)
})

test('what the node had ended and not projected is taken back quietly, what only an earlier disk knew is told', async () => {
  const { gateway, lostEpochs, closed } = made({ own: [row('CP-1', 1), row('CP-2', 2), row('CP-9', 9)] })
  const ended = await gateway.connect('CP-1')
  await gateway.connect('CP-2')
  ended.conversation.closed('closed_by_charge_point')
  await turn()
  await lostEpochs.checkOwn()
  await turn()
  deepStrictEqual(closed, ['CP-1 1 of node-a', 'CP-9 9 of node-a'])
  deepStrictEqual(
    ends(gateway).map(({ subject, data }) => [subject, data.reason]),
    [
      ['CP-1', 'closed_by_charge_point'],
      ['CP-9', 'node_lost']
    ]
  )
})

test('epochs that Redis has under the own id are left alone while another gateway may run with that id', async () => {
  const { lostEpochs, state, closed } = made({ own: [row('CP-9', 9)] })
  state.othersAreDead = false
  await lostEpochs.sweep()
  await turn()
  deepStrictEqual(closed, [])
  state.othersAreDead = true
  await lostEpochs.sweep()
  await turn()
  deepStrictEqual(closed, ['CP-9 9 of node-a'])
})

// After an outage of Redis all leases have run out, and whoever came back first took all others for dead.
test('a missing lease says dead only to who has held its own for as long as others need to come back', () => {
  const clock = new FakeClock()
  let state: { kind: LeaseState; sinceMs: number } = { kind: 'held', sinceMs: clock.now() }
  const isDead = missingIsDead({ state: () => state }, clock, 5_000)
  strictEqual(isDead(), false)
  clock.advance(7_999)
  strictEqual(isDead(), false)
  clock.advance(1)
  strictEqual(isDead(), true)
  state = { kind: 'lost', sinceMs: 0 }
  strictEqual(isDead(), false)
})
