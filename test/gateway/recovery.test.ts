import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { nodeLostId } from '../../src/events/derived.ts'
import { GatewayHarness, turn } from '../support/gateway.ts'
import { MemoryStore } from '../support/memory-ports.ts'

/** What a crash leaves of a node on which CP-1 and CP-2 were connected and CP-3 had left. */
async function afterCrash(): Promise<MemoryStore> {
  const gateway = new GatewayHarness()
  for (const id of ['CP-1', 'CP-2']) await gateway.connect(id)
  const third = await gateway.connect('CP-3')
  third.conversation.closed('closed_by_charge_point')
  await turn()
  return onDisk(gateway.store)
}

function onDisk(store: MemoryStore): MemoryStore {
  const left = new MemoryStore()
  for (const [key, value] of store.persisted) {
    left.staged.set(key, value)
    left.persisted.set(key, value)
  }
  return left
}

test('each epoch that a crash left open ends once as node_lost, with its epoch and without a sequence', async () => {
  const gateway = new GatewayHarness({ store: await afterCrash() })
  await gateway.node.recover()
  await turn()
  deepStrictEqual(
    gateway.log
      .events()
      .map(({ id, type, subject, epoch, sequence, data }) => [id, type, subject, epoch, sequence, data.reason]),
    [
      [nodeLostId('CP-1', 1, 'node-a'), 'charge_point.disconnected', 'CP-1', 1, undefined, 'node_lost'],
      [nodeLostId('CP-2', 2, 'node-a'), 'charge_point.disconnected', 'CP-2', 2, undefined, 'node_lost']
    ]
  )
  const again = new GatewayHarness({ store: onDisk(gateway.store) })
  await again.node.recover()
  await turn()
  strictEqual(again.log.events().length, 0)
})

test('a recovery that does not reach the disk is done again, with the same ids', async () => {
  const store = await afterCrash()
  const first = new GatewayHarness({ store: onDisk(store) })
  first.log.isHeld = true
  await first.node.recover()
  const second = new GatewayHarness({ store: onDisk(first.store) })
  await second.node.recover()
  await turn()
  const [appended] = first.log.appends
  deepStrictEqual(
    appended?.map(({ text }) => JSON.parse(text).id),
    second.log.events().map(({ id }) => id)
  )
})

// A full log takes nothing until its required consumers read on, and they can only when the gateway has started.
test('a log that is full does not hold up the start', async () => {
  const gateway = new GatewayHarness({ store: await afterCrash() })
  gateway.log.isHeld = true
  await gateway.node.recover()
  strictEqual(gateway.log.appends.length, 1)
})

test('the history says node_lost, also after the next connection', async () => {
  const gateway = new GatewayHarness({ store: await afterCrash() })
  await gateway.node.recover()
  await gateway.connect('CP-1')
  await turn()
  const view = await gateway.node.hub.get('CP-1')
  deepStrictEqual(
    view?.record.connections.map(({ reason, disconnectedAtMs }) => [reason, disconnectedAtMs]),
    [
      [undefined, undefined],
      ['node_lost', gateway.clock.now()]
    ]
  )
})
