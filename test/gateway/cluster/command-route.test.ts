import { deepStrictEqual, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { ClusterRoute } from '../../../src/gateway/cluster/command-route.ts'
import { GatewayError } from '../../../src/lib/gateway-error.ts'
import type { ControlReply } from '../../../src/ports/control-channel.ts'
import type { CommandRecord } from '../../../src/ports/records.ts'
import { claimedCommand } from '../../support/claimed-command.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Node a of three; `locations`: what the directory says, one answer a question, the last for ever. */
function route(
  locations: string[],
  reply: (node: string) => Promise<ControlReply>,
  ledger: { isClaimants: boolean; known?: CommandRecord; isTaken?: boolean } = { isClaimants: true },
  others = { areAlive: true, missingIsDead: true }
) {
  const sent: string[] = []
  const clock = new FakeClock()
  const clusterRoute = new ClusterRoute({
    node: 'node-a',
    clock,
    logger: memoryLogger(),
    registry: {
      locate: async () => {
        const node = locations.length > 1 ? locations.shift() : locations[0]
        return node === undefined ? undefined : { node, epoch: 1, incarnation: 'i-1' }
      }
    },
    ledger: {
      handOver: async () => ledger.isClaimants,
      takeBack: async () => !ledger.isTaken,
      get: async () => ledger.known
    },
    lease: {
      registryIsWhole: async () => true,
      nodes: async () =>
        ['node-a', 'node-b', 'node-c'].map((node) => ({
          node,
          alive: node === 'node-a' || others.areAlive,
          incarnation: 'i-1'
        }))
    },
    missingIsDead: () => others.missingIsDead,
    control: {
      send: (node, message) => {
        sent.push(`${message.kind === 'command' ? message.record.commandId : message.kind} to ${node}`)
        return reply(node)
      }
    }
  })
  return { clusterRoute, sent, clock }
}

// Known failure D7: every command was broadcast to every pod.
test('a command goes to the owner of its charge point and to nobody else', async () => {
  const { clusterRoute, sent } = route(['node-b'], async () => 'accepted')
  strictEqual(await clusterRoute.deliver(claimedCommand('c-1')), 'handed_over')
  deepStrictEqual(sent, ['c-1 to node-b'])
})

// Known failure D8: a routed command was routed again on a stale directory, for ever.
test('a stale directory costs one re-route; is that stale too, the command is offline', async () => {
  const moved = route(['node-b', 'node-c'], async (node) => (node === 'node-c' ? 'accepted' : 'not_owner'))
  strictEqual(await moved.clusterRoute.deliver(claimedCommand('c-1')), 'handed_over')
  deepStrictEqual(moved.sent, ['c-1 to node-b', 'c-1 to node-c'])
  const stale = route(['node-b'], async () => 'not_owner')
  strictEqual(await stale.clusterRoute.deliver(claimedCommand('c-2')), 'offline')
  deepStrictEqual(stale.sent, ['c-2 to node-b', 'c-2 to node-b'])
})

test('a charge point that comes here while its command was handed over in vain gets it here, unless somebody else has it', async () => {
  const cameHere = route(['node-b', 'node-a'], async () => 'not_owner')
  strictEqual(await cameHere.clusterRoute.deliver(claimedCommand('c-1')), 'here')
  const taken = route(['node-b', 'node-a'], async () => 'not_owner', { isClaimants: true, isTaken: true })
  strictEqual(await taken.clusterRoute.deliver(claimedCommand('c-2')), 'handed_over')
})

test('a command that the ledger has lost is not taken for handed over: who gave it tries again', async () => {
  const record = claimedCommand('c-1')
  const ledger = { isClaimants: false, known: { ...record, node: 'node-a' } }
  const { clusterRoute, sent } = route(['node-b'], async () => 'accepted', ledger)
  await rejects(clusterRoute.deliver(record), { code: 'registry_unavailable', canRetry: true })
  for (const known of [
    { ...record, node: 'node-b' },
    { ...record, node: 'node-a', state: 'settled' as const }
  ]) {
    ledger.known = known
    strictEqual(await clusterRoute.deliver(record), 'handed_over', 'another node has it, or it has ended')
  }
  deepStrictEqual(sent, [])
})

/** Lets the clock go on in the steps in which it is asked for. */
async function passes(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    await turn()
    clock.advance(250)
  }
  await turn()
}

test('an owner that does not listen for a moment, as after a restart of Redis, is told again; one that never does is left', async () => {
  const unreachable = () => Promise.reject(new GatewayError('node_unreachable', 'nobody listens', { canRetry: true }))
  let tries = 0
  const back = route(['node-b'], () => (++tries < 4 ? unreachable() : Promise.resolve('accepted')))
  const delivered = back.clusterRoute.deliver(claimedCommand('c-1'))
  await passes(back.clock, 1_000)
  strictEqual(await delivered, 'handed_over')
  deepStrictEqual(back.sent, ['c-1 to node-b', 'c-1 to node-b', 'c-1 to node-b', 'c-1 to node-b'])
  const gone = route(['node-b'], unreachable)
  const left = gone.clusterRoute.deliver(claimedCommand('c-2'))
  await passes(gone.clock, 10_000)
  strictEqual(await left, 'handed_over')
  const told = gone.sent.length
  await passes(gone.clock, 10_000)
  deepStrictEqual([told > 10 && told < 40, gone.sent.length], [true, told])
})

test('a command that its dead owner did not hear goes to where the charge point connects meanwhile', async () => {
  const unreachable = () => Promise.reject(new GatewayError('node_unreachable', 'nobody listens', { canRetry: true }))
  const { clusterRoute, sent, clock } = route(['node-b', 'node-b', 'node-c'], (node) =>
    node === 'node-b' ? unreachable() : Promise.resolve('accepted')
  )
  const delivered = clusterRoute.deliver(claimedCommand('c-1'))
  await passes(clock, 1_000)
  strictEqual(await delivered, 'handed_over')
  deepStrictEqual(sent, ['c-1 to node-b', 'c-1 to node-b', 'c-1 to node-c'])
})

test('a message that was not acknowledged is not sent again: it may have arrived', async () => {
  const silent = () => Promise.reject(new GatewayError('control_timeout', 'no answer', { canRetry: true }))
  const { clusterRoute, sent, clock } = route(['node-b'], silent)
  const delivered = clusterRoute.deliver(claimedCommand('c-1'))
  await passes(clock, 10_000)
  strictEqual(await delivered, 'handed_over')
  strictEqual(sent.length, 1)
})

test('after an outage of the registry a charge point is not offline while its node has yet to renew its lease', async () => {
  for (const [name, areAlive, missingIsDead] of [
    ['it is back', true, false],
    ['it had its time', false, true]
  ] as const) {
    const others = { areAlive: false, missingIsDead: false }
    const { clusterRoute, clock } = route([], async () => 'accepted', undefined, others)
    let routed: string | undefined
    void clusterRoute.deliver(claimedCommand('c-1')).then((result) => {
      routed = result
    })
    await passes(clock, 1_000)
    strictEqual(routed, undefined)
    Object.assign(others, { areAlive, missingIsDead })
    await passes(clock, 250)
    strictEqual(routed, 'offline', name)
  }
})
