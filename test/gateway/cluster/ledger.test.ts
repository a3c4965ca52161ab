import { deepStrictEqual, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { KeptLedger } from '../../../src/gateway/cluster/ledger.ts'
import { GatewayError } from '../../../src/lib/gateway-error.ts'
import type { CommandOutcome, CommandRecord } from '../../../src/ports/records.ts'
import { claimedCommand } from '../../support/claimed-command.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { MemoryClusterLedger } from '../../support/memory-cluster.ts'
import { memoryLogger } from '../../support/memory-logger.ts'
import { MemoryLedger, MemoryRegistry, MemoryStore } from '../../support/memory-ports.ts'

const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
const away = new GatewayError('registry_unavailable', 'Redis did not answer', { canRetry: true })
const accepted: CommandOutcome = { outcome: 'accepted', status: 'Accepted' }

/** Node a's ledger, on the disk of an earlier life when `store` is given. */
function open(store = new MemoryStore()) {
  const clock = new FakeClock()
  const shared = new MemoryClusterLedger('node-a')
  const registry = new MemoryRegistry()
  const doubted: string[] = []
  const lease: { away?: Error; whole: boolean } = { whole: true }
  const knowledge = { inDoubt: false, wait: async () => undefined as unknown }
  const ledger = new KeptLedger({
    node: 'node-a',
    shared,
    local: new MemoryLedger(store, registry),
    store,
    lease: {
      registryIsWhole: async () => {
        if (lease.away) throw lease.away
        return lease.whole
      }
    },
    knowledge: {
      isInDoubt: async () => {
        await knowledge.wait()
        return knowledge.inDoubt
      },
      wasInDoubt: () => knowledge.inDoubt
    },
    clock,
    logger: memoryLogger(),
    onNotOwner: (chargePointId, epoch) => doubted.push(`${chargePointId} ${epoch}`)
  })
  const own = (epoch: number) => {
    registry.owners.set('CP-1', epoch)
    shared.owners.set('CP-1', epoch)
  }
  const command = (changed: Partial<CommandRecord> = {}) =>
    claimedCommand('c-1', { requestedAtMs: clock.now(), expiresAtMs: clock.now() + 60_000, ...changed })
  return { clock, shared, registry, doubted, lease, knowledge, ledger, own, command, store }
}

test('a session that the registry does not know as the owner does not write, and is doubted', async () => {
  const { ledger, own, shared, doubted, command } = open()
  await ledger.claim(command())
  own(7)
  shared.owners.set('CP-1', 8)
  strictEqual(await ledger.markWritten('c-1', 7, 1), false)
  deepStrictEqual(doubted, ['CP-1 7'])
  shared.owners.set('CP-1', 7)
  strictEqual(await ledger.markWritten('c-1', 7, 2), true)
  strictEqual(doubted.length, 1)
})

test('a command that was handed over is on the own disk before it is marked as written', async () => {
  const { ledger, own, store, command } = open()
  strictEqual(await ledger.take(command()), true)
  strictEqual((store.persisted.get('commands/c-1') as CommandRecord).state, 'claimed')
  strictEqual(await ledger.take(command()), false, 'it came twice')
  own(7)
})

test('a claim that may have been written before the ledger lost its data is in doubt, and is not for writing', async () => {
  const { ledger, knowledge, command } = open()
  knowledge.inDoubt = true
  strictEqual((await ledger.claim(command())).kind, 'in_doubt')
  knowledge.inDoubt = false
  strictEqual((await ledger.claim({ ...command(), commandId: 'c-2' })).kind, 'claimed')
})

test('who asks by HTTP with an id of its own is refused meanwhile, and no command exists', async () => {
  const { ledger, knowledge, shared, store, command } = open()
  knowledge.inDoubt = true
  await rejects(ledger.claim(command({ givenSinceMs: 1 })), { code: 'registry_unavailable', canRetry: true })
  deepStrictEqual([shared.entries.size, store.persisted.size], [0, 0])
})

test('who asks by HTTP while all are about to tell what they know waits for them', async () => {
  const { ledger, knowledge, command } = open()
  knowledge.inDoubt = true
  knowledge.wait = async () => {
    knowledge.inDoubt = false
  }
  strictEqual((await ledger.claim(command({ givenSinceMs: 1 }))).kind, 'claimed')
})

test('what an earlier life left claimed was not sent, unless the ledger lost its data and somebody else may have written it', async () => {
  const { ledger, store, command } = open()
  await ledger.claim(command())
  const due = async (inDoubt: boolean) => {
    const again = open(store)
    again.knowledge.inDoubt = inDoubt
    await again.ledger.unsettled()
    const [found] = await again.ledger.due(10)
    return `${found?.outcome.outcome} ${found?.outcome.reason}`
  }
  strictEqual(await due(false), 'not_sent node_lost')
  strictEqual(await due(true), 'unknown ledger_lost')
})

test('an emptied ledger is told what was written as written, whoever owns the charge point by then', async () => {
  const { ledger, own, shared, command } = open()
  await ledger.claim(command())
  own(7)
  await ledger.markWritten('c-1', 7, 5)
  shared.empty()
  // Another node has taken the same command for a new one, and the charge point is connected there.
  shared.owners.set('CP-1', 8)
  shared.entries.set('c-1', command({ node: 'node-b' }))
  await ledger.restore()
  const { state, node, epoch, writtenAtMs } = shared.entries.get('c-1') ?? {}
  deepStrictEqual([state, node, epoch, writtenAtMs], ['written', 'node-a', 7, 5])
  strictEqual((await ledger.settle('c-1', accepted, 9))?.settlement, accepted)
})

test('an emptied ledger is told each outcome, claim and hand-over that this node keeps', async () => {
  const { ledger, own, shared, command, store } = open()
  own(7)
  await ledger.claim(command())
  const settled = await ledger.settle('c-1', accepted, 9)
  await store.commit([{ table: 'commands', key: 'c-1', value: settled ?? null }])
  await ledger.claim({ ...command(), commandId: 'c-2' })
  await ledger.claim({ ...command(), commandId: 'c-3' })
  await ledger.handOver({ ...command(), commandId: 'c-3' }, 'node-b', 'i-1')
  shared.empty()
  await ledger.restore()
  deepStrictEqual([...shared.entries].map(([id, { state }]) => `${id} ${state}`).sort(), [
    'c-1 settled',
    'c-2 claimed',
    'c-3 claimed'
  ])
  deepStrictEqual(shared.publishedIds, ['c-1'])
})

// Redis was emptied after a sweep had ended a dead node's command: nobody knew, and it ended anew under the same event id.
test("the end of another node's command comes to this disk with its event, and an emptied ledger is told of it", async () => {
  const { ledger, shared, store, command } = open()
  shared.entries.set('c-1', command({ node: 'node-b' }))
  const settled = await ledger.settle('c-1', { outcome: 'not_sent', reason: 'node_lost' }, 9)
  strictEqual(store.persisted.size, 0, 'a row without its event would be taken for published')
  await store.commit([{ table: 'commands', key: 'c-1', value: settled ?? null }])
  shared.empty()
  await ledger.restore()
  strictEqual(shared.entries.get('c-1')?.settlement?.reason, 'node_lost')
  deepStrictEqual(shared.publishedIds, ['c-1'])
})

// Seed 663: it was taken for published by whoever had died, and the next loss of data took its outcome with it.
test('what an earlier life settled with its last breath is published by the next one, once', async () => {
  const { ledger, own, store, command } = open()
  own(7)
  await ledger.claim(command())
  await ledger.markWritten('c-1', 7, 5)
  const next = open(store)
  next.shared.entries.set('c-1', command({ state: 'settled', settlement: accepted, settledAtMs: 9 }))
  await next.ledger.unsettled()
  const [due] = await next.ledger.due(10)
  strictEqual(due?.outcome, accepted)
  const published = await next.ledger.settle('c-1', accepted, 20)
  deepStrictEqual([published?.settlement, published?.settledAtMs], [accepted, 9])
  strictEqual(await next.ledger.settle('c-1', accepted, 21), undefined)
  strictEqual((store.persisted.get('commands/c-1') as CommandRecord).state, 'written', 'until its event is there')
})

// Seed 1234: told by one that had not ended it, it was taken for that node's own, and so for published.
test("what another node has ended is told as that node's however often, and is not said to be published", async () => {
  const { ledger, shared, command } = open()
  await ledger.claim(command())
  await ledger.handOver(command(), 'node-b', 'i-1')
  shared.entries.set('c-1', command({ node: 'node-b', state: 'settled', settlement: accepted, settledAtMs: 9 }))
  await ledger.restore()
  for (const _ of ['first', 'second']) {
    shared.empty()
    await ledger.restore()
    deepStrictEqual(await ledger.due(10), [])
  }
  deepStrictEqual([shared.entries.get('c-1')?.node, shared.publishedIds], ['node-b', []])
})

// Seed 2563: its row was put anew as written when its outcome was on the disk already.
test('a claim of the bus that its own session has written meanwhile leaves the row alone', async () => {
  const { ledger, lease, clock, shared, store, own, command } = open()
  own(7)
  lease.whole = false
  const claim = ledger.claim(command({ readIn: 1 }))
  await turns()
  await ledger.take(command())
  await ledger.markWritten('c-1', 7, 5)
  const settled = await ledger.settle('c-1', accepted, 9)
  await store.commit([{ table: 'commands', key: 'c-1', value: settled ?? null }])
  shared.entries.set('c-1', command({ state: 'written', epoch: 7, writtenAtMs: 5 }))
  lease.whole = true
  clock.advance(500)
  strictEqual((await claim).kind, 'exists')
  strictEqual((store.persisted.get('commands/c-1') as CommandRecord).state, 'settled')
})

test('the ledger is told that a hand-over has arrived, and who cannot reach it takes the command all the same', async () => {
  const { ledger, shared, command } = open()
  strictEqual(await ledger.take(command()), true)
  deepStrictEqual(shared.receivedIds, ['c-1'])
  shared.away = away
  strictEqual(await ledger.take({ ...command(), commandId: 'c-2' }), true)
})

test('who finds in the ledger that a command has ended can tell of it the next time that the ledger forgets', async () => {
  const { ledger, shared, command } = open()
  await ledger.claim(command())
  await ledger.handOver(command(), 'node-b', 'i-1')
  shared.entries.set('c-1', command({ node: 'node-b', state: 'settled', settlement: accepted, settledAtMs: 9 }))
  await ledger.restore()
  shared.empty()
  await ledger.restore()
  strictEqual(shared.entries.get('c-1')?.settlement?.outcome, 'accepted')
})

test('what was handed over waits for a node that has not told an emptied ledger how it ended, but not for ever', async () => {
  const { ledger, shared, knowledge, clock, command } = open()
  const given = command()
  await ledger.claim(given)
  await ledger.handOver(given, 'node-b', 'i-1')
  shared.empty()
  knowledge.inDoubt = true
  const dueMs = given.expiresAtMs + given.timeoutMs + 5_000
  clock.advance(dueMs - clock.now())
  deepStrictEqual(await ledger.due(10), [])
  clock.advance(30_000)
  deepStrictEqual(
    (await ledger.due(10)).map(({ outcome }) => outcome.outcome),
    ['unknown']
  )
})

// A node stood still, its command was ended as unknown by one that died at once, Redis was emptied, and the node told what it knew.
for (const [how, isThere] of [
  ['has lost the command', false],
  ['knows the command from others', true]
] as const) {
  test(`an outcome waits for what others are about to tell an emptied ledger that ${how}`, async () => {
    const { ledger, own, shared, knowledge, store, command } = open()
    own(7)
    await ledger.claim(command())
    await ledger.markWritten('c-1', 7, 5)
    shared.empty()
    if (isThere) await ledger.restore()
    const lost: CommandOutcome = { outcome: 'unknown', reason: 'node_lost' }
    knowledge.wait = async () => {
      shared.entries.set('c-1', command({ node: 'node-b', state: 'settled', settlement: lost, settledAtMs: 8 }))
    }
    strictEqual(await ledger.settle('c-1', accepted, 9), undefined)
    deepStrictEqual((store.persisted.get('commands/c-1') as CommandRecord).settlement, lost)
  })
}

test('a claim that was not answered is asked for until it cannot be carried out any more', async () => {
  const { ledger, shared, clock, command } = open()
  shared.away = away
  await rejects(ledger.claim(command()), away)
  clock.advance(9_000)
  await rejects(ledger.claim(command()), away)
  shared.away = undefined
  clock.advance(2_000)
  deepStrictEqual(await ledger.due(10), [], 'the time of the second has not come')
  shared.entries.set('c-1', command({ node: 'node-a' }))
  clock.advance(8_000)
  deepStrictEqual(
    (await ledger.due(10)).map(({ outcome }) => outcome.reason),
    ['ledger_lost'],
    'carried out late: nobody else looks after it'
  )
})

test('a claim after which the registry goes away is told as not taken, and goes on when it is asked for again', async () => {
  const { ledger, lease, clock, command } = open()
  lease.away = away
  await rejects(ledger.claim(command()), away)
  delete lease.away
  clock.advance(9_000)
  strictEqual((await ledger.claim(command())).kind, 'claimed')
  clock.advance(9_000)
  deepStrictEqual(await ledger.due(10), [], 'its session has it')
  strictEqual((await ledger.claim(command())).kind, 'exists')
})

test('a claim after which the registry went away and that nobody asks for again was not sent', async () => {
  const { ledger, lease, shared, clock, command } = open()
  lease.away = away
  const other = { ...command(), commandId: 'c-2' }
  await rejects(ledger.claim(command()), away)
  await rejects(ledger.claim(other), away)
  delete lease.away
  shared.entries.set('c-2', { ...other, node: 'node-b' })
  clock.advance(10_000)
  deepStrictEqual(
    (await ledger.due(10)).map(({ commandId, outcome }) => `${commandId} ${outcome.outcome} ${outcome.reason}`),
    ['c-1 not_sent ledger_lost'],
    'the other is of the node that has claimed it since'
  )
  strictEqual((await ledger.claim(command())).kind, 'exists', 'its outcome is on its way')
  strictEqual(ledger.looksAfter('c-2'), false)
})

test('a claim waits until every node has told an emptied ledger what it knows, and what was told meanwhile stands', async () => {
  const { ledger, lease, shared, clock, command } = open()
  lease.whole = false
  const claim = ledger.claim(command())
  await turns()
  const written = command({ node: 'node-b', state: 'written', epoch: 7, writtenAtMs: 5 })
  shared.entries.set('c-1', written)
  lease.whole = true
  clock.advance(500)
  deepStrictEqual(await claim, { kind: 'exists', record: written })
})

test('a command that another node has claimed is on this disk too before anybody is told that it exists', async () => {
  const { ledger, shared, store, command } = open()
  shared.entries.set('c-1', command({ node: 'node-b' }))
  strictEqual((await ledger.claim(command())).kind, 'exists')
  strictEqual((store.persisted.get('commands/c-1') as CommandRecord).node, 'node-b')
  strictEqual(ledger.looksAfter('c-1'), false)
})

test('a command of the bus waits when the registry goes away after its claim', async () => {
  const { ledger, lease, clock, command } = open()
  lease.away = away
  const claim = ledger.claim(command({ readIn: 1 }))
  await turns()
  clock.advance(30_000)
  await turns()
  delete lease.away
  clock.advance(500)
  strictEqual((await claim).kind, 'claimed')
})

test('what an earlier life was handed over and did not write was not sent', async () => {
  const { ledger, store, command } = open()
  await ledger.take(command({ node: 'node-b' }))
  const again = open(store)
  again.shared.entries.set('c-1', command())
  await again.ledger.unsettled()
  deepStrictEqual(
    (await again.ledger.due(10)).map(({ outcome }) => `${outcome.outcome} ${outcome.reason}`),
    ['not_sent node_lost']
  )
})

test('a claim in doubt that is claimed anew while a sweep looks at it is left to whoever has it then', async () => {
  const { ledger, shared, clock, command } = open()
  shared.away = away
  await rejects(ledger.claim(command()), away)
  shared.away = undefined
  clock.advance(11_000)
  let again: Promise<unknown> = Promise.resolve()
  shared.onGet = async () => {
    shared.onGet = async () => undefined
    again = ledger.claim(command())
    await again
  }
  deepStrictEqual(await ledger.due(10), [])
  await again
  strictEqual(ledger.looksAfter('c-1'), true, 'the sweep did not forget it')
  clock.advance(200_000)
  deepStrictEqual(
    (await ledger.due(10)).map(({ outcome }) => outcome.reason),
    ['expired']
  )
})

test('a settlement waits for the registry, and ends with the first that reaches it', async () => {
  const { ledger, own, shared, clock, command } = open()
  await ledger.claim(command())
  own(7)
  await ledger.markWritten('c-1', 7, 5)
  shared.away = away
  const settled = ledger.settle('c-1', accepted, 9)
  await turns()
  shared.away = undefined
  clock.advance(500)
  strictEqual((await settled)?.settlement, accepted)
})

test('a command of the bus that another member may have taken over before a loss is not sent when it is confirmed', async () => {
  const { ledger, knowledge, command } = open()
  const record = command({ readIn: 1 })
  await ledger.claim(record)
  strictEqual(await ledger.confirm(record), true)
  const other = { ...command({ readIn: 1 }), commandId: 'c-2' }
  await ledger.claim(other)
  knowledge.inDoubt = true
  strictEqual(await ledger.confirm(other), false)
  deepStrictEqual(
    (await ledger.due(10)).map(({ commandId, outcome }) => `${commandId} ${outcome.outcome} ${outcome.reason}`),
    ['c-2 unknown ledger_lost']
  )
})

// Seed 620: it expired while its confirmation waited for the registry, and what was written was told as not sent.
test('a command of the bus that came back as a hand-over before it was confirmed is in one queue, also when it expires', async () => {
  const { ledger, lease, clock, command } = open()
  const record = command({ readIn: 1 })
  await ledger.claim(record)
  lease.away = away
  const confirmed = ledger.confirm(record)
  strictEqual(await ledger.take(command({ node: 'node-b' })), true)
  await turns()
  clock.advance(60_000)
  strictEqual(await confirmed, false)
})

// Seed 1877: it took its own end for another's, and after the next loss nobody published it.
test('an end that was won without an answer is published, also when the ledger forgets it again', async () => {
  const { ledger, own, shared, clock, command } = open()
  own(7)
  await ledger.claim(command())
  await ledger.markWritten('c-1', 7, 5)
  shared.away = away
  const settled = ledger.settle('c-1', accepted, 9)
  await turns()
  shared.away = undefined
  shared.entries.set('c-1', command({ state: 'settled', settlement: accepted, settledAtMs: 9 }))
  await ledger.restore()
  shared.empty()
  clock.advance(500)
  strictEqual((await settled)?.settlement, accepted)
})

// Seed 224: asked for again while the registry was away, it was noted as another node's, and ended anew after the next loss.
test('what has ended here is told to an emptied ledger when it was asked for in vain', async () => {
  const { ledger, own, shared, store, clock, command } = open()
  own(7)
  await ledger.claim(command())
  const settled = await ledger.settle('c-1', accepted, 9)
  await store.commit([{ table: 'commands', key: 'c-1', value: settled ?? null }])
  shared.away = away
  await rejects(ledger.claim(command()), away)
  shared.away = undefined
  shared.entries.set('c-1', command({ node: 'node-b' }))
  clock.advance(10_000)
  deepStrictEqual(await ledger.due(10), [])
  strictEqual(shared.entries.get('c-1')?.state, 'settled')
  strictEqual((store.persisted.get('commands/c-1') as CommandRecord).settlement?.outcome, 'accepted')
})

// Seed 1588: the note of an earlier life was removed to make room, and taken for the command itself: it was on no disk, and nobody sent it.
test('a command that an earlier life had handed over is claimed, and kept, when it is taken over from a dead node', async () => {
  const { ledger, store, command } = open()
  await ledger.claim(command())
  await ledger.handOver(command(), 'node-b', 'i-1')
  const again = open(store)
  await again.ledger.unsettled()
  again.shared.entries.set('c-1', command({ node: 'node-b' }))
  again.shared.reclaim = async () => command({ node: 'node-a' })
  strictEqual((await again.ledger.claim(command())).kind, 'claimed')
  strictEqual((store.persisted.get('commands/c-1') as CommandRecord).node, 'node-a')
})

test('what others tell an emptied ledger while a claim waits for them is not sent, nor claimed at the next loss', async () => {
  const { ledger, knowledge, shared, clock, command } = open()
  const settled = command({ node: 'node-b', state: 'settled', settlement: accepted, settledAtMs: 7 })
  knowledge.wait = async () => {
    clock.advance(1_000)
    shared.entries.set('c-1', settled)
  }
  deepStrictEqual(await ledger.claim(command()), { kind: 'exists', record: settled })
  shared.empty()
  await ledger.restore()
  strictEqual(shared.entries.get('c-1')?.state, 'settled')
})
