import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { Adoption, type AdoptionDeps } from '../../src/gateway/cluster/adoption.ts'
import type { HeldEpoch } from '../../src/gateway/cluster/registry.ts'
import type { LeaseState } from '../../src/ports/node-lease.ts'
import type { Owner } from '../../src/ports/session-registry.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { memoryLogger } from '../support/memory-logger.ts'

const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

interface Given {
  /** Sessions that are open and not registered. */
  readonly waiting?: readonly HeldEpoch[]
  readonly lease?: LeaseState
  readonly perSecondMax?: number
  readonly registry?: Partial<AdoptionDeps['registry']>
  readonly find?: AdoptionDeps['find']
}

/** An adoption with a lease and a registry that do as they are told. */
function made({ waiting = [], lease = 'lost', perSecondMax = 1_000, registry, find = () => undefined }: Given) {
  const clock = new FakeClock()
  const world = { waiting: [...waiting], lease, restored: 0, onRestore: async () => undefined as unknown }
  let heard: (state: LeaseState) => void = () => undefined
  let unregistered = (): void => undefined
  const tell = (state: LeaseState) => {
    world.lease = state
    heard(state)
  }
  const end = (chargePointId: string) => {
    world.waiting = world.waiting.filter((held) => held.chargePointId !== chargePointId)
  }
  const adoption = new Adoption({
    node: 'node-a',
    clock,
    lease: {
      incarnation: 'i-1',
      begin: async () => undefined,
      state: () => ({ kind: world.lease, sinceMs: 0 }),
      onChange: (listener) => {
        heard = listener
        return () => undefined
      },
      adopted: () => tell('held'),
      nodes: async () => [],
      registryIsWhole: async () => true,
      end: async () => undefined
    },
    registry: {
      adopt: async (chargePointId) => {
        end(chargePointId)
        return true
      },
      locate: async () => undefined,
      unregistered: () => world.waiting,
      recheck: () => undefined,
      heldCount: 0,
      forgetRegistrations: () => undefined,
      onUnregistered: (listener) => {
        unregistered = listener
      },
      ...registry
    },
    find,
    restore: async () => {
      world.restored++
      await world.onRestore()
    },
    logger: memoryLogger(),
    perSecondMax,
    recheckMs: 300_000
  })
  const steps = async (count: number) => {
    for (let step = 0; step < count; step++) {
      await turns()
      clock.advance(50)
    }
  }
  return { adoption, clock, world, tell, end, steps, unregistered: () => unregistered() }
}

const sessions = (count: number): HeldEpoch[] =>
  Array.from({ length: count }, (_, n) => ({ chargePointId: `CP-${n + 1}`, epoch: 5 }))

test('no more sessions a second are registered again than the limit says, and then the lease is whole', async () => {
  const { adoption, clock, world, tell, steps } = made({ waiting: sessions(100), perSecondMax: 40 })
  tell('lost')
  const left: number[] = []
  for (let second = 0; second < 3; second++) {
    await steps(19)
    await turns()
    left.push(world.waiting.length)
    clock.advance(50)
  }
  deepStrictEqual(left, [60, 20, 0])
  await steps(3)
  strictEqual(world.lease, 'held')
  adoption.stop()
})

test('while another gateway has the id of this node nothing is registered, also what was on its way', async () => {
  const { adoption, world, tell, steps, unregistered } = made({ waiting: sessions(10), perSecondMax: 20 })
  tell('lost')
  await turns()
  strictEqual(world.waiting.length, 9)
  tell('taken')
  unregistered()
  await steps(100)
  deepStrictEqual([world.waiting.length, world.restored], [9, 0])
  tell('lost')
  await steps(40)
  deepStrictEqual([world.waiting.length, world.restored, world.lease], [0, 1, 'held'])
  adoption.stop()
})

test('a lease that is lost once more while its commands are told is not whole before all is registered once more', async () => {
  const { adoption, world, tell, steps } = made({ waiting: sessions(10) })
  const adopted: LeaseState[] = []
  world.onRestore = async () => {
    adopted.push(world.lease)
    if (world.restored > 1) return
    world.waiting.push(...sessions(10))
    tell('lost')
  }
  tell('lost')
  await steps(10)
  deepStrictEqual([world.lease, world.restored], ['lost', 1])
  await steps(40)
  deepStrictEqual([world.lease, world.restored, world.waiting.length], ['held', 2, 0])
  adoption.stop()
})

test('a session that lost to a newer connection was replaced; one that was told as lost has to come back', async () => {
  const ended: string[] = []
  // Of CP-3 both nodes took the same epoch while the registry was away: the record is the other one's.
  // The entry of CP-4 is this node's own, with the mark of whoever told it as lost while this one stood still.
  const owners: Record<string, Owner> = {
    'CP-1': { node: 'node-b', epoch: 6 },
    'CP-3': { node: 'node-b', epoch: 5 },
    'CP-4': { node: 'node-a', epoch: 5 }
  }
  const { adoption, tell, end } = made({
    waiting: sessions(4),
    registry: {
      adopt: async () => false,
      locate: async (chargePointId) => owners[chargePointId]
    },
    find: (chargePointId) =>
      ({
        session: { epoch: 5 },
        end: (reason: string) => {
          ended.push(`${chargePointId} ${reason}`)
          end(chargePointId)
        },
        giveWay: () => {
          ended.push(`${chargePointId} gives way`)
          end(chargePointId)
        }
      }) as never
  })
  tell('lost')
  await turns()
  deepStrictEqual(ended, ['CP-1 replaced', 'CP-2 taken_for_lost', 'CP-3 gives way', 'CP-4 taken_for_lost'])
  adoption.stop()
})

// A session whose eviction was lost with the node that sent it: nobody else finds out that the registry does not know it.
test('while the lease is held, all sessions are asked for within the time of a round', async () => {
  const rechecked: number[] = []
  const { adoption, clock, world } = made({
    lease: 'held',
    registry: { recheck: (count) => rechecked.push(count), heldCount: 20_000 }
  })
  clock.advance(300_000)
  strictEqual(rechecked.length, 60)
  strictEqual(
    rechecked.reduce((sum, count) => sum + count, 0),
    20_040
  )
  world.lease = 'away'
  clock.advance(300_000)
  strictEqual(rechecked.length, 60)
  world.lease = 'held'
  adoption.stop()
  clock.advance(300_000)
  strictEqual(rechecked.length, 60)
})
