import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { EmbeddedEventLog } from '../../../src/adapters/embedded/event-log.ts'
import type { LogEntry } from '../../../src/ports/event-log.ts'
import { keyOf } from '../../../src/ports/records.ts'
import { openFailingStore } from '../../support/failing-store.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { noMetrics } from '../../support/no-metrics.ts'

const noSpace = () => Object.assign(new Error('No space left on device'), { code: 28 })
const broken = () => new Error('Input/output error')

const entry = (n: number, padding = 10): LogEntry => ({
  chargePointId: 'CP-1',
  type: 'meter.values',
  text: JSON.stringify({ n, padding: 'x'.repeat(padding) }),
  changes: [
    {
      table: 'openEpochs',
      key: keyOf.openEpoch('CP-1', n),
      value: { chargePointId: 'CP-1', epoch: n, version: '1.6', connectedAtMs: n }
    }
  ]
})

async function openLog(
  t: TestContext,
  settings: { bytesMax?: number; requiredConsumers?: string[]; retentionMs?: number } = {}
) {
  const disk = openFailingStore()
  const clock = new FakeClock()
  const reserve = { kept: 0, released: 0 }
  const log = new EmbeddedEventLog({
    store: disk.store,
    reserve: { keep: () => void reserve.kept++, release: () => void reserve.released++ },
    clock,
    metrics: noMetrics,
    retentionMs: settings.retentionMs ?? 3_600_000,
    bytesMax: settings.bytesMax ?? 10_000_000,
    requiredConsumers: settings.requiredConsumers ?? [],
    lingerMsMax: 0
  })
  await log.begin()
  t.after(async () => {
    await log.close()
    await disk.store.close()
  })
  return { log, clock, disk, reserve }
}

/** Until `condition`, a turn of the loop at a time, and of the clock if there is one: commits go through another thread. */
async function until(condition: () => boolean, clock?: FakeClock): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    ok(turn < 100_000, 'it never came to that')
    await setImmediate()
    clock?.advance(10)
  }
}

const numbers = (log: EmbeddedEventLog) => log.read(0, 1_000, 1e9).map(({ text }) => JSON.parse(text).n)

test('a failed commit is repeated whole until it succeeds, says so meanwhile, and nothing overtakes it', async (t) => {
  const { log, clock, disk } = await openLog(t)
  disk.fails = broken
  const sinceMs = clock.now()
  const done: number[] = []
  const first = log.append([entry(1), entry(2)]).then((position) => done.push(position))
  await until(() => log.state().failing !== undefined)
  const later = [log.append([entry(3)]), log.append([entry(4)])].map((each) =>
    each.then((position) => done.push(position))
  )
  for (let n = 0; n < 3; n++) {
    const tried = disk.tried.length
    clock.advance(5_000)
    await until(() => disk.tried.length > tried && log.state().failing !== undefined)
  }
  deepStrictEqual(log.state().failing, { sinceMs, error: 'Input/output error' })
  deepStrictEqual(log.range(), { oldest: 1, durable: 0 })
  deepStrictEqual(numbers(log), [])
  strictEqual(
    log.tables.get('openEpochs', keyOf.openEpoch('CP-1', 1))?.epoch,
    1,
    'a session goes on with what it appended'
  )
  const batches = disk.tried.slice(1)
  ok(batches.length >= 4)
  for (const batch of batches) deepStrictEqual(batch, batches[0], 'the same transaction each time')
  disk.fails = () => undefined
  clock.advance(5_000)
  await Promise.all([first, ...later])
  deepStrictEqual(done, [2, 3, 4])
  deepStrictEqual(numbers(log), [1, 2, 3, 4])
  strictEqual(log.state().failing, undefined)
})

test('the pauses between the attempts grow to some seconds', async (t) => {
  const { log, clock, disk } = await openLog(t)
  disk.fails = broken
  void log.append([entry(1)])
  await until(() => log.state().failing !== undefined)
  for (const pauseMs of [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]) {
    await setImmediate()
    const tried = disk.tried.length
    clock.advance(pauseMs - 1)
    await setImmediate()
    strictEqual(disk.tried.length, tried, `not before ${pauseMs} ms`)
    clock.advance(1)
    await until(() => disk.tried.length > tried)
  }
  disk.fails = () => undefined
  await setImmediate()
  clock.advance(5_000)
  await until(() => log.range().durable === 1)
})

test('on a full disk the reserve is given up, and consumers and trimming go on before what waits', async (t) => {
  const { log, clock, disk, reserve } = await openLog(t, { retentionMs: 1_000, requiredConsumers: ['billing'] })
  for (let n = 1; n <= 5; n++) await log.append([entry(n, 3_000)])
  clock.advance(600_000)
  disk.fails = (operations) => (operations.includes('put event') ? noSpace() : undefined)
  const appended = log.append([entry(6)])
  await until(() => log.state().failing !== undefined)
  const moved = log.putConsumer('billing', 4)
  await until(() => log.range().oldest === 5, clock)
  strictEqual((await moved).position, 4)
  ok(reserve.released > 0)
  deepStrictEqual(log.range(), { oldest: 5, durable: 5 }, 'what billing has and retention lets go makes room')
  ok(log.state().failing, 'what waits still waits')
  disk.fails = () => undefined
  await until(() => log.range().durable === 6, clock)
  strictEqual(await appended, 6)
  deepStrictEqual(numbers(log), [5, 6])
})

test('a trim that failed with its batch is not lost, and not done twice', async (t) => {
  const { log, clock, disk } = await openLog(t, { bytesMax: 40_000 })
  for (let n = 1; n <= 9; n++) await log.append([entry(n, 3_900)])
  disk.fails = noSpace
  const appended = log.append([entry(10, 3_900)])
  await until(() => log.state().failing !== undefined)
  const tried = disk.tried.length
  await until(() => disk.tried.length > tried + 3, clock)
  disk.fails = () => undefined
  await until(() => log.range().durable === 10, clock)
  strictEqual(await appended, 10)
  const { oldest, durable } = log.range()
  ok(oldest > 1)
  strictEqual(durable, 10)
  deepStrictEqual(
    numbers(log),
    Array.from({ length: durable - oldest + 1 }, (_, index) => oldest + index)
  )
})

test('a log that is closed while its disk fails gives back what it could not store', async (t) => {
  const { log, disk } = await openLog(t)
  await log.append([entry(1)])
  disk.fails = broken
  const appended = log.append([entry(2)])
  const consumer = log.putConsumer('billing', 0)
  await until(() => log.state().failing !== undefined)
  const waiting = log.append([entry(3)])
  const refused = Promise.all([appended, consumer, waiting].map((each) => rejects(each, { code: 'event_log_closed' })))
  await log.close()
  await refused
  disk.fails = () => undefined
})

test('a commit that does not return is said to fail', async (t) => {
  const { log, clock, disk } = await openLog(t)
  let goOn: () => void = () => undefined
  disk.waits = new Promise((resolve) => {
    goOn = resolve
  })
  const appended = log.append([entry(1)])
  await until(() => disk.tried.length === 2)
  strictEqual(log.state().failing, undefined)
  clock.advance(10_000)
  match(log.state().failing?.error ?? '', /does not return/)
  goOn()
  strictEqual(await appended, 1)
  strictEqual(log.state().failing, undefined)
})

test('no reader sees what LMDB shows before the commit has returned', async (t) => {
  const { log, disk } = await openLog(t)
  await log.append([entry(1)])
  let goOn: () => void = () => undefined
  disk.returns = new Promise((resolve) => {
    goOn = resolve
  })
  const appended = log.append([entry(2)])
  await until(() => log.tables.persisted('openEpochs', keyOf.openEpoch('CP-1', 2)) !== undefined)
  deepStrictEqual(numbers(log), [1])
  goOn()
  await appended
  deepStrictEqual(numbers(log), [1, 2])
})

test('a reader gets no gap while the oldest events are being removed', async (t) => {
  const { log, clock, disk } = await openLog(t, { retentionMs: 1_000 })
  await log.append([entry(1)])
  clock.advance(500)
  await log.append([entry(2)])
  let goOn: () => void = () => undefined
  disk.returns = new Promise((resolve) => {
    goOn = resolve
  })
  const trimmed = log.trim(clock.now() + 600)
  await until(() => disk.store.log.get(1) === undefined)
  strictEqual(log.range().oldest, 1)
  deepStrictEqual(numbers(log), [], 'neither 1, which is gone, nor 2 as if nothing had been before it')
  goOn()
  await trimmed
  strictEqual(log.range().oldest, 2)
  deepStrictEqual(numbers(log), [2])
})
