import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { Adoption } from '../../src/gateway/cluster/adoption.ts'
import type { HeldEpoch } from '../../src/gateway/cluster/registry.ts'
import type { LeaseState } from '../../src/ports/node-lease.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { memoryLogger } from '../support/memory-logger.ts'

const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

test('no more sessions a second are registered again than the limit says, and then the lease is whole', async () => {
  const clock = new FakeClock()
  let waiting: HeldEpoch[] = Array.from({ length: 100 }, (_, n) => ({ chargePointId: `CP-${n}`, epoch: n + 1 }))
  let lease: LeaseState = 'lost'
  let tell: (state: LeaseState) => void = () => undefined
  const adoption = new Adoption({
    clock,
    lease: {
      incarnation: 'i-1',
      begin: async () => undefined,
      state: () => ({ kind: lease, sinceMs: 0 }),
      onChange: (listener) => {
        tell = listener
        return () => undefined
      },
      adopted: () => {
        lease = 'held'
      },
      nodes: async () => [],
      registryIsWhole: async () => true,
      end: async () => undefined
    },
    registry: {
      adopt: async (chargePointId) => {
        waiting = waiting.filter((held) => held.chargePointId !== chargePointId)
        return true
      },
      locate: async () => undefined,
      unregistered: () => waiting,
      recheck: () => undefined,
      heldCount: 0,
      forgetRegistrations: () => undefined,
      onUnregistered: () => undefined
    },
    find: () => undefined,
    restore: async () => undefined,
    logger: memoryLogger(),
    perSecondMax: 40,
    recheckMs: 300_000
  })
  tell('lost')
  const left: number[] = []
  for (let second = 0; second < 3; second++) {
    for (let step = 0; step < 20; step++) {
      await turns()
      clock.advance(50)
    }
    left.push(waiting.length)
  }
  deepStrictEqual(left, [60, 20, 0])
  for (let step = 0; step < 3; step++) {
    await turns()
    clock.advance(50)
  }
  strictEqual(lease, 'held')
  adoption.stop()
})

test('while another gateway has the id of this node nothing is registered, also what was on its way', async () => {
  const clock = new FakeClock()
  let waiting: HeldEpoch[] = Array.from({ length: 10 }, (_, n) => ({ chargePointId: `CP-${n}`, epoch: 5 }))
  let lease: LeaseState = 'lost'
  const listeners: { lease: (state: LeaseState) => void; unregistered: () => void } = {
    lease: () => undefined,
    unregistered: () => undefined
  }
  let restored = 0
  const tell = (state: LeaseState) => {
    lease = state
    listeners.lease(state)
  }
  const pass = async (seconds: number) => {
    for (let step = 0; step < seconds * 20; step++) {
      await turns()
      clock.advance(50)
    }
  }
  const adoption = new Adoption({
    clock,
    lease: {
      incarnation: 'i-1',
      begin: async () => undefined,
      state: () => ({ kind: lease, sinceMs: 0 }),
      onChange: (listener) => {
        listeners.lease = listener
        return () => undefined
      },
      adopted: () => tell('held'),
      nodes: async () => [],
      registryIsWhole: async () => true,
      end: async () => undefined
    },
    registry: {
      adopt: async (chargePointId) => {
        waiting = waiting.filter((held) => held.chargePointId !== chargePointId)
        return true
      },
      locate: async () => undefined,
      unregistered: () => waiting,
      recheck: () => undefined,
      heldCount: 0,
      forgetRegistrations: () => undefined,
      onUnregistered: (listener) => {
        listeners.unregistered = listener
      }
    },
    find: () => undefined,
    restore: async () => {
      restored++
    },
    logger: memoryLogger(),
    perSecondMax: 20,
    recheckMs: 300_000
  })
  tell('lost')
  await turns()
  strictEqual(waiting.length, 9)
  tell('taken')
  listeners.unregistered()
  await pass(5)
  deepStrictEqual([waiting.length, restored], [9, 0])
  tell('lost')
  await pass(2)
  deepStrictEqual([waiting.length, restored, lease], [0, 1, 'held'])
  adoption.stop()
})

test('a session that lost to a newer connection was replaced; one that was told as lost has to come back', async () => {
  const ended: string[] = []
  let waiting: HeldEpoch[] = ['CP-1', 'CP-2'].map((chargePointId) => ({ chargePointId, epoch: 5 }))
  let tell: (state: LeaseState) => void = () => undefined
  const adoption = new Adoption({
    clock: new FakeClock(),
    lease: {
      incarnation: 'i-1',
      begin: async () => undefined,
      state: () => ({ kind: 'held', sinceMs: 0 }),
      onChange: (listener) => {
        tell = listener
        return () => undefined
      },
      adopted: () => undefined,
      nodes: async () => [],
      registryIsWhole: async () => true,
      end: async () => undefined
    },
    registry: {
      adopt: async () => false,
      locate: async (chargePointId) => (chargePointId === 'CP-1' ? { node: 'node-b', epoch: 6 } : undefined),
      unregistered: () => waiting,
      recheck: () => undefined,
      heldCount: 0,
      forgetRegistrations: () => undefined,
      onUnregistered: () => undefined
    },
    find: (chargePointId) =>
      ({
        session: { epoch: 5 },
        end: (reason: string) => {
          ended.push(`${chargePointId} ${reason}`)
          waiting = waiting.filter((held) => held.chargePointId !== chargePointId)
        }
      }) as never,
    restore: async () => undefined,
    logger: memoryLogger(),
    perSecondMax: 1_000,
    recheckMs: 60_000
  })
  tell('lost')
  await turns()
  deepStrictEqual(ended, ['CP-1 replaced', 'CP-2 taken_for_lost'])
  adoption.stop()
})

// A session whose eviction was lost with the node that sent it: nobody else finds out that the registry does not know it.
test('while the lease is held, all sessions are asked for within the time of a round', async () => {
  const clock = new FakeClock()
  const rechecked: number[] = []
  let lease: LeaseState = 'held'
  const adoption = new Adoption({
    clock,
    lease: {
      incarnation: 'i-1',
      begin: async () => undefined,
      state: () => ({ kind: lease, sinceMs: 0 }),
      onChange: () => () => undefined,
      adopted: () => undefined,
      nodes: async () => [],
      registryIsWhole: async () => true,
      end: async () => undefined
    },
    registry: {
      adopt: async () => true,
      locate: async () => undefined,
      unregistered: () => [],
      recheck: (count) => rechecked.push(count),
      heldCount: 20_000,
      forgetRegistrations: () => undefined,
      onUnregistered: () => undefined
    },
    find: () => undefined,
    restore: async () => undefined,
    logger: memoryLogger(),
    perSecondMax: 1_000,
    recheckMs: 300_000
  })
  clock.advance(300_000)
  strictEqual(rechecked.length, 60)
  strictEqual(
    rechecked.reduce((sum, count) => sum + count, 0),
    20_040
  )
  lease = 'away'
  clock.advance(300_000)
  strictEqual(rechecked.length, 60)
  lease = 'held'
  adoption.stop()
  clock.advance(300_000)
  strictEqual(rechecked.length, 60)
})
