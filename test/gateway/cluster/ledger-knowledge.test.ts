import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { clockMarginMs, graceMs, LedgerKnowledge } from '../../../src/gateway/cluster/ledger-knowledge.ts'
import type { CommandRecord } from '../../../src/ports/records.ts'
import { claimedCommand } from '../../support/claimed-command.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { MemoryRoll } from '../../support/memory-cluster.ts'
import { memoryLogger } from '../../support/memory-logger.ts'
import { MemoryStore } from '../../support/memory-ports.ts'

const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Node a, which has met `others`. */
async function open(others: readonly string[] = ['node-b'], store = new MemoryStore()) {
  const clock = new FakeClock()
  const roll = new MemoryRoll('node-a', clock.now())
  for (const node of others) roll.signed.add(node)
  const nodes = new Map(['node-a', ...others].map((node) => [node, true]))
  const told: string[] = []
  let idsShared = 0
  let whileTelling: () => void = () => undefined
  const knowledge = new LedgerKnowledge({
    node: 'node-a',
    clock,
    logger: memoryLogger(),
    store,
    roll,
    lease: { nodes: async () => [...nodes].map(([node, alive]) => ({ node, alive, incarnation: 'i-1' })) },
    commandMemoryMs: dayMs,
    shareIds: async () => {
      idsShared++
    },
    restore: async () => {
      told.push(roll.value)
      whileTelling()
    }
  })
  await knowledge.look()
  const given = (agoMs: number) => claimedCommand('c-1', { requestedAtMs: clock.now() - agoMs })
  /** Node b goes away for good, and the ledger loses its data. */
  const lose = async () => {
    clock.advance(hourMs)
    nodes.clear()
    nodes.set('node-a', true)
    roll.empty(clock.now())
    await knowledge.look()
  }
  /** After the time that all have to tell. */
  const isInDoubt = async (record: CommandRecord) => {
    let said: boolean | undefined
    const asked = knowledge.isInDoubt(record).then((inDoubt) => {
      said = inDoubt
    })
    for (let step = 0; said === undefined && step <= graceMs / 500; step++) {
      await turns()
      if (said === undefined) clock.advance(500)
    }
    await asked
    return said
  }
  return {
    clock,
    isInDoubt,
    idsShared: () => idsShared,
    roll,
    nodes,
    told,
    store,
    knowledge,
    given,
    lose,
    whileTelling: (run: () => void) => {
      whileTelling = run
    }
  }
}

test('while all nodes have told what they know, no command is in doubt, however old', async () => {
  const { knowledge, given } = await open()
  strictEqual(await knowledge.isInDoubt(given(dayMs)), false)
  strictEqual(knowledge.wasInDoubt(given(dayMs)), false)
})

test('a node alone in a fresh cluster doubts nothing: commands that are older than the cluster are sent', async () => {
  const { knowledge, given, roll } = await open([])
  deepStrictEqual([...roll.signed], ['node-a'])
  strictEqual(await knowledge.isInDoubt(given(dayMs)), false)
})

test('after a loss what may have been given before is in doubt until each node that was there has told', async () => {
  const { isInDoubt, knowledge, given, lose, roll, clock } = await open(['node-b', 'node-c'])
  await lose()
  const old = given(1)
  const lossMs = clock.now()
  strictEqual(await isInDoubt(old), true)
  strictEqual(knowledge.wasInDoubt(old), true)
  roll.signed.add('node-b')
  strictEqual(await isInDoubt(old), true, 'node c has not')
  const fresh = { ...old, requestedAtMs: lossMs + clockMarginMs }
  strictEqual(await isInDoubt(fresh), false, 'given after the loss')
  strictEqual(await isInDoubt({ ...old, requestedAtMs: lossMs + clockMarginMs - 1 }), true, 'by a clock that is ahead')
  const asked = { ...fresh, givenSinceMs: lossMs - hourMs }
  strictEqual(await isInDoubt(asked), true, 'its asker may have asked before')
  roll.signed.add('node-c')
  strictEqual(await isInDoubt(asked), false)
})

test('soon after a loss a command waits for those that are about to tell, and then it is new', async () => {
  const { knowledge, given, lose, roll, clock } = await open()
  await lose()
  let said: boolean | undefined
  void knowledge.isInDoubt(given(1)).then((inDoubt) => {
    said = inDoubt
  })
  await turns()
  clock.advance(graceMs - 1_000)
  await turns()
  strictEqual(said, undefined)
  roll.signed.add('node-b')
  clock.advance(500)
  await turns()
  strictEqual(said, false)
})

test('which nodes there were is on disk: a node that starts after the loss knows whom it has to wait for', async () => {
  const before = await open()
  await before.lose()
  const after = await open([], before.store)
  strictEqual(await after.isInDoubt(after.given(1)), true)
  after.roll.signed.add('node-b')
  strictEqual(await after.isInDoubt(after.given(1)), false)
})

test('a node that was not seen for as long as commands are remembered is waited for no more', async () => {
  const { knowledge, given, lose, clock } = await open()
  await lose()
  clock.advance(dayMs + hourMs)
  strictEqual(await knowledge.isInDoubt(given(2 * dayMs)), false)
})

test('a living node is noted once an hour, a dead one is not', async () => {
  const { knowledge, clock, nodes, store } = await open()
  const seen = () => store.list('members').map(({ node, seenMs }) => [node, seenMs])
  const beganMs = clock.now()
  nodes.set('node-b', false)
  clock.advance(hourMs - 1)
  await knowledge.look()
  deepStrictEqual(seen(), [
    ['node-a', beganMs],
    ['node-b', beganMs]
  ])
  clock.advance(1)
  await knowledge.look()
  deepStrictEqual(seen(), [
    ['node-a', beganMs + hourMs],
    ['node-b', beganMs]
  ])
  clock.advance(61 * dayMs)
  nodes.delete('node-b')
  await knowledge.look()
  deepStrictEqual(
    store.list('members').map(({ node }) => node),
    ['node-a']
  )
})

test('a node tells what it knows at its start, and again when a part of the ledger began anew', async () => {
  const { knowledge, told, roll, clock } = await open()
  deepStrictEqual(told, ['v-1'])
  await knowledge.look()
  deepStrictEqual(told, ['v-1'], 'it stands on the roll')
  roll.empty(clock.now())
  await knowledge.look()
  deepStrictEqual(told, ['v-1', 'v-1+'])
  strictEqual(roll.signed.has('node-a'), true)
})

test('what was lost while a node told it is told again', async () => {
  const { knowledge, told, roll, clock, whileTelling } = await open()
  roll.empty(clock.now())
  whileTelling(() => {
    if (told.length === 2) roll.empty(clock.now())
  })
  await knowledge.tell()
  strictEqual(roll.signed.has('node-a'), false, 'what it told went into the ledger that was lost')
  await knowledge.look()
  strictEqual(told.length, 3)
  strictEqual(roll.signed.has('node-a'), true)
})

test('at each look a node tells how far transaction ids are given, first of all after a loss', async () => {
  const { knowledge, idsShared, roll, clock, whileTelling } = await open()
  strictEqual(idsShared(), 1)
  await knowledge.look()
  strictEqual(idsShared(), 2)
  roll.empty(clock.now())
  let before = 0
  whileTelling(() => {
    before = idsShared()
  })
  await knowledge.look()
  strictEqual(before, 3, 'before it tells of commands')
})
