import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { ClusterRegistry } from '../../../src/gateway/cluster/registry.ts'
import { GatewayError } from '../../../src/lib/gateway-error.ts'
import type { Claim } from '../../../src/ports/session-registry.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'
import { MemoryRegistry } from '../../support/memory-ports.ts'

const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
const away = new GatewayError('registry_unavailable', 'Redis did not answer', { canRetry: true })

function open(claim: () => Promise<Claim>) {
  const clock = new FakeClock()
  const evictions: string[] = []
  let acknowledged = true
  let asked = 0
  const registry = new ClusterRegistry({
    node: 'node-a',
    clock,
    shared: {
      claim,
      release: async () => true,
      locate: async () => undefined,
      adopt: async () => true
    },
    local: new MemoryRegistry(),
    lease: { incarnation: 'i-1' },
    control: {
      send: async (node, message) => {
        evictions.push(`${message.kind} to ${node}`)
        if (!acknowledged) throw new GatewayError('control_timeout', 'no reply', { canRetry: true })
        return 'accepted'
      }
    },
    logger: memoryLogger()
  })
  registry.onUnregistered(() => {
    asked++
  })
  return {
    clock,
    registry,
    evictions,
    acknowledge: (now: boolean) => {
      acknowledged = now
    },
    adoptionsAsked: () => asked
  }
}

const held = (registry: ClusterRegistry) => registry.unregistered().map(({ epoch }) => epoch)

test('a claim that was not answered may be carried out late, so its epoch is adopted once more when that is over', async () => {
  const { clock, registry, adoptionsAsked } = open(() => Promise.reject(away))
  const { epoch } = await registry.claim('CP-1')
  deepStrictEqual(held(registry), [epoch])
  await registry.adopt('CP-1', epoch)
  deepStrictEqual([held(registry), adoptionsAsked()], [[], 1])
  clock.advance(9_000)
  deepStrictEqual(held(registry), [])
  clock.advance(1_000)
  deepStrictEqual([held(registry), adoptionsAsked()], [[epoch], 2], 'another epoch may stand in its place now')
})

test('a session that the registry does not know as the owner is adopted anew, or ends', async () => {
  const { registry, adoptionsAsked } = open(async () => ({ epoch: 7 }))
  await registry.claim('CP-1')
  deepStrictEqual(held(registry), [])
  registry.doubt('CP-1', 6)
  deepStrictEqual([held(registry), adoptionsAsked()], [[], 0], 'not an epoch of this node')
  registry.doubt('CP-1', 7)
  deepStrictEqual([held(registry), adoptionsAsked()], [[7], 1])
})

test('an eviction is said again until it is acknowledged, five times at most', async () => {
  const { clock, registry, evictions, acknowledge } = open(async () => ({
    epoch: 8,
    displaced: { node: 'node-b', epoch: 7 }
  }))
  acknowledge(false)
  await registry.claim('CP-1')
  await turns()
  strictEqual(evictions.length, 1)
  clock.advance(2_000)
  await turns()
  deepStrictEqual(evictions, ['evict to node-b', 'evict to node-b'])
  acknowledge(true)
  for (let step = 0; step < 4; step++) {
    clock.advance(2_000)
    await turns()
  }
  strictEqual(evictions.length, 3)
  acknowledge(false)
  await registry.claim('CP-1')
  for (let step = 0; step < 10; step++) {
    await turns()
    clock.advance(2_000)
  }
  strictEqual(evictions.length, 8)
})

test('what another node has taken over is doubted also before it is a connection', async () => {
  const { registry } = open(async () => ({ epoch: 7 }))
  await registry.claim('CP-1')
  registry.displaced('CP-1', 7)
  deepStrictEqual(held(registry), [], 'its own epoch displaces nothing')
  registry.displaced('CP-1', 8)
  deepStrictEqual(held(registry), [7])
})

test('all that is held is asked for anew, a part at a time and round after round', async () => {
  let epoch = 0
  const { registry, adoptionsAsked } = open(async () => ({ epoch: ++epoch }))
  for (const id of ['CP-1', 'CP-2', 'CP-3']) await registry.claim(id)
  strictEqual(registry.heldCount, 3)
  registry.recheck(0)
  strictEqual(adoptionsAsked(), 0)
  const rounds: number[][] = []
  for (let n = 0; n < 4; n++) {
    registry.recheck(2)
    rounds.push(held(registry))
    for (const { chargePointId, epoch: own } of registry.unregistered()) await registry.adopt(chargePointId, own)
  }
  deepStrictEqual(rounds, [[1, 2], [3], [1, 2], [3]])
  strictEqual(adoptionsAsked(), 4)
})
