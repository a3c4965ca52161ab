import { match, strictEqual, throws } from 'node:assert'
import { test } from 'node:test'
import { claimedCommand } from '../support/claimed-command.ts'
import { GatewayHarness, turn } from '../support/gateway.ts'
import { MemoryStore } from '../support/memory-ports.ts'
import { booted, outcomeOf } from './command-desk-world.ts'

// Ends of a command that are not its charge point's answer: cancelled, settled by somebody else, a stop, a crash.

const written = { state: 'written', writtenAtMs: 1, epoch: 1 } as const

test('a queued command is cancelled; one that was written is too late; one that nobody knows is unknown', async () => {
  const gateway = new GatewayHarness()
  const station = await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  await gateway.submit('CP-1', { id: 'c-2' })
  const cancelled = await gateway.node.desk.cancel('c-2')
  strictEqual(cancelled.kind, 'cancelled')
  strictEqual(outcomeOf(gateway, 'c-2'), 'not_sent/cancelled')
  strictEqual((await gateway.node.desk.cancel('c-1')).kind, 'too_late')
  strictEqual((await gateway.node.desk.cancel('c-2')).kind, 'too_late')
  strictEqual((await gateway.node.desk.cancel('c-9')).kind, 'unknown')
  station.accept()
  await turn()
  strictEqual(station.wire.frames.filter(([type]) => type === 2).length, 1)
})

test('a cancel that the disk does not keep up with is told as the cancel that it is', async () => {
  const gateway = new GatewayHarness()
  await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  await gateway.submit('CP-1', { id: 'c-2' })
  gateway.log.isHeld = true
  const cancelling = gateway.node.desk.cancel('c-2')
  await turn()
  gateway.clock.advance(1_000)
  strictEqual((await cancelling).kind, 'cancelled')
})

test('a queued command whose session is gone can be cancelled, and ends once', async () => {
  const gateway = new GatewayHarness()
  await gateway.ledger.claim(claimedCommand('c-1'))
  strictEqual((await gateway.node.desk.cancel('c-1')).kind, 'cancelled')
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/cancelled')
})

test('a command that reaches its charge point here while other nodes are asked to cancel it is not told as cancelled', async () => {
  const gateway: GatewayHarness = new GatewayHarness({
    route: {
      deliver: async () => 'offline',
      cancel: async () => {
        await booted(gateway)
        const conversation = gateway.node.hub.find('CP-1')
        if (conversation) gateway.node.desk.take(claimedCommand('c-1'), conversation)
        await turn()
        return false
      }
    }
  })
  await gateway.ledger.claim(claimedCommand('c-1'))
  const cancelling = gateway.node.desk.cancel('c-1')
  // Until the charge point is here, has booted, and the cancel waits for what comes of it.
  for (let turns = 0; turns < 10; turns++) await turn()
  gateway.clock.advance(1_000)
  strictEqual((await cancelling).kind, 'too_late')
  strictEqual((await gateway.node.desk.get('c-1'))?.state, 'written')
})

test('a command is settled once, whoever comes second', async () => {
  const gateway = new GatewayHarness()
  await gateway.ledger.claim(claimedCommand('c-1'))
  gateway.node.desk.settle('c-1', { outcome: 'not_sent', reason: 'expired' })
  gateway.node.desk.settle('c-1', { outcome: 'accepted' })
  await turn()
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/expired')
})

test('a ledger that cannot settle is logged, and the desk is idle again', async () => {
  const gateway = new GatewayHarness()
  await gateway.ledger.claim(claimedCommand('c-1'))
  gateway.ledger.failure = new Error('away')
  gateway.node.desk.settle('c-1', { outcome: 'not_sent', reason: 'expired' })
  strictEqual(gateway.node.desk.idle, false)
  await turn()
  strictEqual(gateway.node.desk.idle, true)
  match(gateway.lines.at(-1)?.message ?? '', /could not be settled/)
})

test('a stopping desk ends every new command, and is not idle while one is on its way', async () => {
  const gateway = new GatewayHarness()
  await booted(gateway)
  gateway.node.desk.stop()
  const submitting = gateway.submit('CP-1', { id: 'c-1' })
  strictEqual(gateway.node.desk.idle, false)
  await submitting
  await turn()
  strictEqual(gateway.node.desk.idle, true)
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/shutting_down')
})

test('after a crash what was written is unknown and what was not is not sent, both once (D2)', async () => {
  const store = new MemoryStore()
  for (const record of [claimedCommand('c-1'), claimedCommand('c-2', written)])
    await store.commit([{ table: 'commands', key: record.commandId, value: record }])
  const gateway = new GatewayHarness({ store })
  await gateway.node.recover()
  strictEqual(gateway.log.appends.length, 1, 'published before anybody can come')
  await turn()
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/node_lost')
  strictEqual(outcomeOf(gateway, 'c-2'), 'unknown/node_lost')
  strictEqual(gateway.node.desk.openCommands, 0)
  const next = new GatewayHarness({ store })
  await next.node.recover()
  await turn()
  strictEqual(next.log.events().length, 0)
})

test('a recovery whose outcomes did not reach the disk gives them the same ids the next time', async () => {
  const store = new MemoryStore()
  await store.commit([{ table: 'commands', key: 'c-1', value: claimedCommand('c-1', written) }])
  const first = new GatewayHarness({ store })
  first.log.isHeld = true
  await first.node.recover()
  const second = new GatewayHarness({ store })
  await second.node.recover()
  await turn()
  strictEqual(JSON.parse(first.log.appends[0]?.[0]?.text ?? '{}').id, second.log.events()[0]?.id)
})

test('the end of a command that another node had, or that somebody else has ended, counts for none of this one', async () => {
  const gateway = new GatewayHarness()
  await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await gateway.ledger.claim(claimedCommand('c-2'))
  await gateway.node.desk.settle('c-2', { outcome: 'unknown', reason: 'node_lost' })
  strictEqual(gateway.node.desk.openCommands, 1)
  gateway.ledger.settle = async () => undefined
  await gateway.node.desk.settle('c-1', { outcome: 'not_sent', reason: 'expired' })
  strictEqual(gateway.node.desk.openCommands, 0)
})

test('an outcome that cannot be published is not taken for one that is on its way', async () => {
  const gateway = new GatewayHarness()
  const { desk } = gateway.node
  const settled = { ...claimedCommand('c-1'), state: 'settled', settledAtMs: 1 } as const
  const cannot = { ...settled, settlement: { outcome: 'accepted', response: { n: 1n } } } as const
  throws(() => desk.publishSettled(cannot), TypeError)
  desk.publishSettled({ ...settled, settlement: { outcome: 'not_sent', reason: 'node_lost' } })
  await turn()
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/node_lost')
})
