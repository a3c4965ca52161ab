import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { Projector } from '../../../src/gateway/cluster/projector.ts'
import { keyOf, type StoreChange } from '../../../src/ports/records.ts'
import { claimedCommand } from '../../support/claimed-command.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'
import { MemoryStore } from '../../support/memory-ports.ts'

const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

function projectorOf(store = new MemoryStore()) {
  const clock = new FakeClock()
  const calls: string[][] = []
  const is = { away: false }
  const projector = new Projector({
    clock,
    shared: {
      project: async (changes) => {
        calls.push(changes.map(({ key, value }) => `${key}${value && 'vendor' in value ? ` ${value.vendor}` : ''}`))
        await turns()
        if (is.away) throw new Error('away')
      }
    },
    store,
    logger: memoryLogger()
  })
  const pass = async (ms: number) => {
    clock.advance(ms)
    await turns()
    await turns()
  }
  return { clock, projector, is, calls, pass }
}

function row(chargePointId: string, vendor: string): StoreChange {
  const value = { chargePointId, epoch: 1, version: '1.6', connections: [], vendor } as const
  return { table: 'chargePoints', key: keyOf.chargePoint(chargePointId), value }
}

test('while the registry is away only the newest value of each row waits, and goes there when it is back', async () => {
  const { projector, is, calls, pass } = projectorOf()
  is.away = true
  projector.add([row('CP-1', 'old')])
  projector.add([row('CP-1', 'new'), row('CP-2', 'x')])
  await pass(0)
  strictEqual(projector.backlog, 2)
  is.away = false
  calls.length = 0
  await pass(100)
  deepStrictEqual(
    calls.map((call) => call.toSorted()),
    [['CP-1 new', 'CP-2 x']]
  )
  strictEqual(projector.backlog, 0)
})

test('tries are further and further apart, five seconds at most', async () => {
  const { clock, projector, is, calls, pass } = projectorOf()
  is.away = true
  projector.add([row('CP-1', 'x')])
  const at: number[] = []
  for (let before = 0, startMs = clock.now(); clock.now() - startMs < 30_000; ) {
    await pass(100)
    if (calls.length > before) at.push(clock.now())
    before = calls.length
  }
  const gaps = at.slice(1).map((ms, n) => ms - (at[n] ?? 0))
  strictEqual(Math.max(...gaps), 5_000)
  deepStrictEqual(
    gaps,
    gaps.toSorted((a, b) => a - b)
  )
})

test('all that the node remembers goes there, unless a newer value waits already; commands have their own place', async () => {
  const store = new MemoryStore()
  await store.commit([
    row('CP-1', 'of the disk'),
    row('CP-2', 'of the disk'),
    {
      table: 'openEpochs',
      key: keyOf.openEpoch('CP-1', 1),
      value: { chargePointId: 'CP-1', epoch: 1, version: '1.6', connectedAtMs: 1 }
    },
    { table: 'commands', key: 'c-1', value: claimedCommand('c-1') }
  ])
  const { projector, is, calls, pass } = projectorOf(store)
  is.away = true
  projector.add([row('CP-1', 'newer'), { table: 'commands', key: 'c-2', value: claimedCommand('c-2') }])
  await pass(0)
  projector.addAll()
  is.away = false
  calls.length = 0
  await pass(100)
  deepStrictEqual(calls.flat().sort(), ['CP-1\u00011', 'CP-1 newer', 'CP-2 of the disk'])
})

test('at most 200 rows go at once, and a stop waits for them as long as it may', async () => {
  const { projector, is, calls, pass } = projectorOf()
  is.away = true
  projector.add(Array.from({ length: 450 }, (_, n) => row(`CP-${n}`, 'x')))
  const late = projector.drained(50)
  await pass(60)
  strictEqual(await late, false)
  is.away = false
  calls.length = 0
  const drained = projector.drained(60_000)
  for (let n = 0; n < 20; n++) await pass(100)
  strictEqual(await drained, true)
  deepStrictEqual(
    calls.map(({ length }) => length),
    [200, 200, 50]
  )
})

// All that waits was copied for each batch: 400,000 rows, of 20,000 charge points, took 39 s of the one thread there is.
test('what a batch looks at does not grow with what waits', async (t) => {
  const rows = 4_000
  const projected: number[] = []
  const projector = new Projector({
    clock: new FakeClock(),
    shared: {
      project: async ({ length }) => {
        projected.push(length)
      }
    },
    store: new MemoryStore(),
    logger: memoryLogger()
  })
  const changes = Array.from({ length: rows }, (_, n) => row(`CP-${n}`, 'x'))
  const steps = t.mock.method(Object.getPrototypeOf(new Map().entries()), 'next')
  projector.add(changes)
  while (projector.backlog > 0) await turns()
  strictEqual(
    projected.reduce((sum, length) => sum + length, 0),
    rows
  )
  // With the copies each batch takes as many steps as there are rows left.
  ok(steps.mock.callCount() < 2 * rows, `${steps.mock.callCount()} steps`)
})
