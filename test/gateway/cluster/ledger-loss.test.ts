import { deepStrictEqual, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { CommandOutcome, CommandRecord } from '../../../src/ports/records.ts'
import { accepted, away, openLedger, turns } from '../../support/kept-ledger.ts'

test('a claim that may have been written before the ledger lost its data is in doubt, and is not for writing', async () => {
  const { ledger, knowledge, command } = openLedger()
  knowledge.inDoubt = true
  strictEqual((await ledger.claim(command())).kind, 'in_doubt')
  knowledge.inDoubt = false
  strictEqual((await ledger.claim({ ...command(), commandId: 'c-2' })).kind, 'claimed')
})

test('who asks by HTTP with an id of its own is refused meanwhile, and no command exists', async () => {
  const { ledger, knowledge, shared, store, command } = openLedger()
  knowledge.inDoubt = true
  await rejects(ledger.claim(command({ givenSinceMs: 1 })), { code: 'registry_unavailable', canRetry: true })
  deepStrictEqual([shared.entries.size, store.persisted.size], [0, 0])
})

test('who asks by HTTP while all are about to tell what they know waits for them', async () => {
  const { ledger, knowledge, command } = openLedger()
  knowledge.inDoubt = true
  knowledge.wait = async () => {
    knowledge.inDoubt = false
  }
  strictEqual((await ledger.claim(command({ givenSinceMs: 1 }))).kind, 'claimed')
})

test('what an earlier life left claimed was not sent, unless the ledger lost its data and somebody else may have written it', async () => {
  const { ledger, store, command } = openLedger()
  await ledger.claim(command())
  const due = async (inDoubt: boolean) => {
    const again = openLedger(store)
    again.knowledge.inDoubt = inDoubt
    await again.ledger.unsettled()
    const [found] = await again.ledger.due(10)
    return `${found?.outcome.outcome} ${found?.outcome.reason}`
  }
  strictEqual(await due(false), 'not_sent node_lost')
  strictEqual(await due(true), 'unknown ledger_lost')
})

test('an emptied ledger is told what was written as written, whoever owns the charge point by then', async () => {
  const { ledger, own, shared, command } = openLedger()
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
  const { ledger, own, shared, command, store } = openLedger()
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

// Seed 1436: its node stopped on a full disk, and the outcome that all took for published was on none.
test('an end that is not on this disk yet is told to an emptied ledger, but not as published', async () => {
  const { ledger, shared, store, command } = openLedger()
  shared.entries.set('c-1', command({ node: 'node-b' }))
  const settled = await ledger.settle('c-1', { outcome: 'not_sent', reason: 'node_lost' }, 9)
  store.stage([{ table: 'commands', key: 'c-1', value: settled ?? null }])
  shared.empty()
  await ledger.restore()
  strictEqual(shared.entries.get('c-1')?.settlement?.reason, 'node_lost')
  deepStrictEqual(shared.publishedIds, [])
})

// Seed 362: the answer to its end came while it was told as open, and it stayed open in the ledger.
test('what ends while it is told to an emptied ledger as open is told as ended too', async () => {
  const { ledger, shared, store, command } = openLedger()
  await ledger.claim(command())
  const settled = await ledger.settle('c-1', { outcome: 'not_sent', reason: 'cancelled' }, 9)
  shared.empty()
  const tell = shared.tell.bind(shared)
  shared.tell = async (record) => {
    store.stage([{ table: 'commands', key: 'c-1', value: settled ?? null }])
    return await tell(record)
  }
  await ledger.restore()
  strictEqual(shared.entries.get('c-1')?.settlement?.reason, 'cancelled')
})

// Redis was emptied after a sweep had ended a dead node's command: nobody knew, and it ended anew under the same event id.
test("the end of another node's command comes to this disk with its event, and an emptied ledger is told of it", async () => {
  const { ledger, shared, store, command } = openLedger()
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
  const { ledger, own, store, command } = openLedger()
  own(7)
  await ledger.claim(command())
  await ledger.markWritten('c-1', 7, 5)
  const next = openLedger(store)
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
  const { ledger, shared, command } = openLedger()
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

test('who finds in the ledger that a command has ended can tell of it the next time that the ledger forgets', async () => {
  const { ledger, shared, command } = openLedger()
  await ledger.claim(command())
  await ledger.handOver(command(), 'node-b', 'i-1')
  shared.entries.set('c-1', command({ node: 'node-b', state: 'settled', settlement: accepted, settledAtMs: 9 }))
  await ledger.restore()
  shared.empty()
  await ledger.restore()
  strictEqual(shared.entries.get('c-1')?.settlement?.outcome, 'accepted')
})

test('a disk that takes nothing more keeps nobody from telling an emptied ledger, nor a sweep from its end', async () => {
  const { ledger, shared, clock, store, command } = openLedger()
  for (const commandId of ['c-1', 'c-2']) {
    await ledger.claim({ ...command(), commandId })
    await ledger.handOver({ ...command(), commandId }, 'node-b', 'i-1')
    const ended = { state: 'settled', settlement: accepted, settledAtMs: 9 } as const
    shared.entries.set(commandId, { ...command({ node: 'node-b', ...ended }), commandId })
  }
  store.isHeld = true
  await ledger.restore()
  strictEqual(store.get('commands', 'c-1')?.state, 'settled', 'it counts already')
  clock.advance(80_000)
  deepStrictEqual(await ledger.due(10), [])
})

test('what was handed over waits for a node that has not told an emptied ledger how it ended, but not for ever', async () => {
  const { ledger, shared, knowledge, clock, command } = openLedger()
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
    const { ledger, own, shared, knowledge, store, command } = openLedger()
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

test('a claim waits until every node has told an emptied ledger what it knows, and what was told meanwhile stands', async () => {
  const { ledger, lease, shared, clock, command } = openLedger()
  lease.whole = false
  const claim = ledger.claim(command())
  await turns()
  const written = command({ node: 'node-b', state: 'written', epoch: 7, writtenAtMs: 5 })
  shared.entries.set('c-1', written)
  lease.whole = true
  clock.advance(500)
  deepStrictEqual(await claim, { kind: 'exists', record: written })
})

// Seed 2240: the own row was put back to claimed, and nobody ended it any more.
test('what came back here and has ended is not noted as with the node that had it a moment ago', async () => {
  const { ledger, lease, shared, store, clock, command } = openLedger()
  lease.whole = false
  const claim = ledger.claim(command())
  await turns()
  shared.entries.set('c-1', command({ node: 'node-b' }))
  const ended = command({ state: 'settled', settlement: accepted, settledAtMs: 7 })
  shared.onGet = async () => store.stage([{ table: 'commands', key: 'c-1', value: ended }])
  lease.whole = true
  clock.advance(500)
  strictEqual((await claim).kind, 'exists')
  deepStrictEqual(store.get('commands', 'c-1'), ended)
})

test('a claim in doubt that is claimed anew while a sweep looks at it is left to whoever has it then', async () => {
  const { ledger, shared, clock, command } = openLedger()
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

// Seed 2545: a node was cut off, another ended what it had claimed and died, and the emptied ledger heard of it only by the first.
test('what another node may have ended before a loss is not written, nor told as not sent', async () => {
  const { ledger, own, knowledge, shared, command } = openLedger()
  await ledger.claim(command())
  own(7)
  knowledge.inDoubt = true
  strictEqual(await ledger.markWritten('c-1', 7, 5), 'ledger_lost')
  strictEqual(shared.entries.get('c-1')?.state, 'claimed')
  const settled = await ledger.settle('c-1', { outcome: 'not_sent', reason: 'ledger_lost' }, 9)
  deepStrictEqual([settled?.settlement?.outcome, settled?.settlement?.reason], ['unknown', 'ledger_lost'])
})

test('what waits for a node that tells an emptied ledger what it knows is written when that has told', async () => {
  const { ledger, own, knowledge, command } = openLedger()
  await ledger.claim(command())
  own(7)
  knowledge.inDoubt = true
  knowledge.wait = async () => {
    knowledge.inDoubt = false
  }
  strictEqual(await ledger.markWritten('c-1', 7, 5), 'written')
})

test('a command of the bus that another member may have taken over before a loss is not sent when it is confirmed', async () => {
  const { ledger, knowledge, command } = openLedger()
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

// Seed 1877: it took its own end for another's, and after the next loss nobody published it.
test('an end that was won without an answer is published, also when the ledger forgets it again', async () => {
  const { ledger, own, shared, clock, command } = openLedger()
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

// Seed 2080: its row came to the disk without its event, was told as published after the next loss, and it had no outcome.
test("an end of another node's command that was won without an answer is published", async () => {
  const { ledger, shared, clock, command } = openLedger()
  shared.entries.set('c-1', command({ node: 'node-b' }))
  const settle = shared.settle.bind(shared)
  shared.settle = async (...asked) => {
    shared.settle = settle
    await settle(...asked)
    throw away
  }
  const settled = ledger.settle('c-1', { outcome: 'not_sent', reason: 'node_lost' }, 9)
  await turns()
  clock.advance(500)
  strictEqual((await settled)?.settlement?.reason, 'node_lost')
})

test('what this node has ended without a row of its own is on its disk only with its event', async () => {
  const { ledger, shared, store, clock, command } = openLedger()
  shared.away = away
  await rejects(ledger.claim(command()), away)
  shared.away = undefined
  shared.entries.set('c-1', command({ state: 'settled', settlement: accepted, settledAtMs: 9 }))
  clock.advance(10_000)
  strictEqual((await ledger.due(10))[0]?.outcome, accepted)
  deepStrictEqual([...store.staged], [])
})

// Seed 2062: it waited here twice, was accepted, and then told as not sent by the stop of its node.
test('what has ended here ends no other way when others tell an emptied ledger that it has not', async () => {
  const { ledger, own, shared, store, command } = openLedger()
  own(7)
  await ledger.claim(command())
  const settled = await ledger.settle('c-1', accepted, 9)
  await store.commit([{ table: 'commands', key: 'c-1', value: settled ?? null }])
  shared.empty()
  shared.entries.set('c-1', command({ node: 'node-b' }))
  strictEqual(await ledger.settle('c-1', { outcome: 'not_sent', reason: 'shutting_down' }, 12), undefined)
  strictEqual(shared.entries.get('c-1')?.settlement, accepted)
})

// Seed 224: asked for again while the registry was away, it was noted as another node's, and ended anew after the next loss.
test('what has ended here is told to an emptied ledger when it was asked for in vain', async () => {
  const { ledger, own, shared, store, clock, command } = openLedger()
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

test('what others tell an emptied ledger while a claim waits for them is not sent, nor claimed at the next loss', async () => {
  const { ledger, knowledge, shared, clock, command } = openLedger()
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
