import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { ClusterRoute } from '../../../src/gateway/cluster/command-route.ts'
import type { ControlReply } from '../../../src/ports/control-channel.ts'
import { claimedCommand } from '../../support/claimed-command.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Node a of three; `locations`: what the directory says, one answer a question, the last for ever. */
function route(locations: string[], reply: (node: string) => Promise<ControlReply>) {
  const sent: string[] = []
  const clusterRoute = new ClusterRoute({
    node: 'node-a',
    clock: new FakeClock(),
    logger: memoryLogger(),
    registry: {
      locate: async () => {
        const node = locations.length > 1 ? locations.shift() : locations[0]
        return node === undefined ? undefined : { node, epoch: 1, incarnation: 'i-1' }
      }
    },
    ledger: { handOver: async () => true },
    lease: {
      registryIsWhole: async () => true,
      nodes: async () => ['node-a', 'node-b', 'node-c'].map((node) => ({ node, alive: true, incarnation: 'i-1' }))
    },
    control: {
      send: (node, message) => {
        sent.push(`${message.kind === 'command' ? message.record.commandId : message.kind} to ${node}`)
        return reply(node)
      }
    }
  })
  return { clusterRoute, sent }
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

test('one hand-over of a charge point is unacknowledged at a time, others do not wait for it', async () => {
  const answers: ((reply: ControlReply) => void)[] = []
  const { clusterRoute, sent } = route(['node-b'], () => new Promise((resolve) => answers.push(resolve)))
  const first = clusterRoute.deliver(claimedCommand('c-1'))
  const second = clusterRoute.deliver(claimedCommand('c-2'))
  const other = clusterRoute.deliver(claimedCommand('c-3', { chargePointId: 'CP-2' }))
  await turn()
  deepStrictEqual(sent, ['c-1 to node-b', 'c-3 to node-b'])
  for (const answer of answers) answer('accepted')
  await turn()
  deepStrictEqual(sent.at(-1), 'c-2 to node-b')
  answers.at(-1)?.('accepted')
  deepStrictEqual(await Promise.all([first, second, other]), ['handed_over', 'handed_over', 'handed_over'])
})
