import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { EventLog, LogEntry, LogRecord } from '../../src/ports/event-log.ts'
import type { NodeStore } from '../../src/ports/node-store.ts'
import { keyOf, type StoreChange } from '../../src/ports/records.ts'
import type { FakeClock } from '../support/fake-clock.ts'

export interface EventLogSettings {
  readonly retentionMs?: number
  readonly bytesMax?: number
  readonly requiredConsumers?: readonly string[]
}

export interface OpenedEventLog {
  readonly log: EventLog
  readonly store: NodeStore
  readonly clock: FakeClock
  /** Close it and open it again on the same data. */
  reopen(): Promise<OpenedEventLog>
  dispose(): Promise<void>
}

export const all = 1_000_000

export function entry(n: number, changes: readonly StoreChange[] = [], padding = 0): LogEntry {
  const chargePointId = `CP-${n % 7}`
  return {
    chargePointId,
    type: n % 2 === 0 ? 'meter.values' : 'transaction.updated',
    text: JSON.stringify({ n, subject: chargePointId, note: 'Zähler 読み取り 🔌', padding: 'x'.repeat(padding) }),
    changes
  }
}

function openEpoch(chargePointId: string, epoch: number): StoreChange {
  return {
    table: 'openEpochs',
    key: keyOf.openEpoch(chargePointId, epoch),
    value: { chargePointId, epoch, version: '1.6', connectedAtMs: 1 }
  }
}

export function numbers(records: readonly LogRecord[]): number[] {
  return records.map(({ text }) => JSON.parse(text).n)
}

export function count(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
}

/** Lets everything happen that waits for nothing but the loop and the disk. */
export async function settled(log: EventLog): Promise<void> {
  await log.trim(0)
  await setImmediate()
}

/** Appends until the log holds about `bytesMax` and the last append waits. */
async function fill(log: EventLog): Promise<{ waiting: Promise<number>; appended: number }> {
  for (let n = 1; ; n++) {
    const waiting = log.append([entry(n, [], 500)])
    await Promise.race([waiting, settled(log)])
    if (log.state().full) return { waiting, appended: n }
    await waiting
  }
}

/** What every event log does, whatever it is kept in. */
export function eventLogContract(name: string, create: (settings?: EventLogSettings) => Promise<OpenedEventLog>): void {
  const open = async (t: TestContext, settings?: EventLogSettings) => {
    const opened = { now: await create(settings) }
    t.after(() => opened.now.dispose())
    return {
      ...opened.now,
      reopen: async () => {
        opened.now = await opened.now.reopen()
        return opened.now
      }
    }
  }

  test(`${name}: an empty log begins after nothing`, async (t) => {
    const { log } = await open(t)
    deepStrictEqual(log.range(), { oldest: 1, durable: 0 })
    deepStrictEqual(log.read(0, 10, all), [])
    strictEqual(log.state().full, false)
  })

  test(`${name}: positions are gapless from 1 in the order of the calls`, async (t) => {
    const { log } = await open(t)
    const positions = await Promise.all([
      log.append([entry(1)]),
      log.append([entry(2), entry(3)]),
      log.append([entry(4)])
    ])
    deepStrictEqual(positions, [1, 3, 4])
    const records = log.read(0, 10, all)
    deepStrictEqual(
      records.map(({ position }) => position),
      [1, 2, 3, 4]
    )
    deepStrictEqual(numbers(records), [1, 2, 3, 4])
    deepStrictEqual(log.range(), { oldest: 1, durable: 4 })
  })

  test(`${name}: a record gives back what was appended byte for byte`, async (t) => {
    const { log, clock } = await open(t)
    const texts = ['', '{}', '{"a":"\\u0000\u2028é𐐷"}', `{"big":"${'z'.repeat(50_000)}"}`, '  {"spaces": 1 }  ']
    await log.append(
      texts.map((text) => ({ chargePointId: 'CP/ü 1', type: 'data_transfer.received', text, changes: [] }))
    )
    const appendedAtMs = clock.now()
    deepStrictEqual(
      log.read(0, 10, all),
      texts.map((text, index) => ({
        position: index + 1,
        appendedAtMs,
        chargePointId: 'CP/ü 1',
        type: 'data_transfer.received',
        text
      }))
    )
  })

  test(`${name}: nothing is read before it is on disk`, async (t) => {
    const { log } = await open(t)
    await log.append([entry(1)])
    const appended = log.append([entry(2)])
    strictEqual(log.range().durable, 1)
    deepStrictEqual(numbers(log.read(0, 10, all)), [1])
    await appended
    deepStrictEqual(numbers(log.read(0, 10, all)), [1, 2])
  })

  test(`${name}: whoever listens hears of each advance once, and of none after leaving`, async (t) => {
    const { log } = await open(t)
    const heard: number[] = []
    const leave = log.onAdvance((durable) => {
      strictEqual(durable, log.range().durable)
      heard.push(durable)
    })
    await Promise.all([log.append([entry(1)]), log.append([entry(2), entry(3)])])
    await log.append([entry(4)])
    leave()
    await log.append([entry(5)])
    deepStrictEqual(heard, [3, 4])
  })

  test(`${name}: what is appended while a commit runs follows in order`, async (t) => {
    const { log } = await open(t)
    const appends: Promise<number>[] = []
    for (let n = 1; n <= 300; n++) {
      appends.push(log.append([entry(n, [], n % 50 === 0 ? 6_000 : 100)]))
      if (n % 13 === 0) await setImmediate()
    }
    deepStrictEqual(await Promise.all(appends), count(1, 300))
    deepStrictEqual(numbers(log.read(0, 1_000, all)), count(1, 300))
  })

  test(`${name}: a read keeps its limits and goes on where it stopped`, async (t) => {
    const { log } = await open(t)
    await log.append(count(1, 200).map((n) => entry(n, [], 200)))
    const pages: number[] = []
    for (let after = 0; after < 200; ) {
      const page = log.read(after, 7, all)
      ok(page.length <= 7)
      pages.push(...numbers(page))
      after = page.at(-1)?.position ?? 201
    }
    deepStrictEqual(pages, count(1, 200))
    const small = log.read(10, 100, 1_000)
    ok(small.length >= 1 && small.length < 10, `${small.length} records in about 1000 bytes`)
    strictEqual(log.read(10, 100, 1).length, 1, 'one record always fits')
    deepStrictEqual(log.read(200, 10, all), [])
    deepStrictEqual(log.read(5_000, 10, all), [])
  })

  test(`${name}: changes are in the store when their event is in the log`, async (t) => {
    const { log, store, reopen } = await open(t)
    const appended = log.append([entry(1, [openEpoch('CP-1', 5)]), entry(2, [openEpoch('CP-2', 6)])])
    strictEqual(store.get('openEpochs', keyOf.openEpoch('CP-1', 5))?.epoch, 5, 'a session sees it at once')
    await appended
    const again = await reopen()
    strictEqual(again.store.get('openEpochs', keyOf.openEpoch('CP-1', 5))?.epoch, 5)
    strictEqual(again.store.get('openEpochs', keyOf.openEpoch('CP-2', 6))?.epoch, 6)
  })

  test(`${name}: positions, records, identity and consumers outlive a restart`, async (t) => {
    const { log, reopen } = await open(t)
    await log.append(count(1, 50).map((n) => entry(n)))
    const put = await log.putConsumer('billing', 20)
    const { id } = log
    const before = log.read(0, 100, all)
    const again = (await reopen()).log
    strictEqual(again.id, id)
    deepStrictEqual(again.range(), { oldest: 1, durable: 50 })
    deepStrictEqual(again.read(0, 100, all), before)
    deepStrictEqual(again.consumer('billing'), put)
    strictEqual(await again.append([entry(51)]), 51)
  })

  test(`${name}: two logs have two identities`, async (t) => {
    const first = await open(t)
    const second = await open(t)
    ok(first.log.id !== second.log.id)
  })

  test(`${name}: a closed log refuses what is appended`, async (t) => {
    const { log, reopen } = await open(t)
    const appended = log.append([entry(1)])
    await reopen()
    strictEqual(await appended, 1, 'what was appended before is kept')
    await rejects(log.append([entry(2)]), { code: 'event_log_closed' })
  })

  test(`${name}: a consumer moves forward and back, and can go`, async (t) => {
    const { log, clock } = await open(t)
    await log.append(count(1, 10).map((n) => entry(n)))
    deepStrictEqual(await log.putConsumer('billing', 4), {
      name: 'billing',
      position: 4,
      required: false,
      updatedAtMs: clock.now()
    })
    clock.advance(1_000)
    await log.putConsumer('audit', 0)
    strictEqual((await log.putConsumer('billing', 9)).position, 9)
    strictEqual((await log.putConsumer('billing', 2)).updatedAtMs, clock.now())
    deepStrictEqual(
      log.consumers().map(({ name, position }) => [name, position]),
      [
        ['audit', 0],
        ['billing', 2]
      ]
    )
    strictEqual(await log.deleteConsumer('billing'), true)
    strictEqual(await log.deleteConsumer('billing'), false)
    strictEqual(log.consumer('billing'), undefined)
  })

  test(`${name}: a consumer is refused a position that the log does not have`, async (t) => {
    const { log, clock } = await open(t, { retentionMs: 1_000, requiredConsumers: ['forwarder'] })
    await log.append([entry(1)])
    await rejects(log.putConsumer('billing', 2), { code: 'invalid_position' })
    await log.putConsumer('forwarder', 1)
    clock.advance(5_000)
    await log.append([entry(2)])
    await log.trim(clock.now())
    await rejects(log.putConsumer('billing', 0), { code: 'position_trimmed' })
    strictEqual((await log.putConsumer('billing', 1)).position, 1)
  })

  test(`${name}: a log that its required consumers let go of goes on counting, also over a restart`, async (t) => {
    const { log, clock, reopen } = await open(t, { retentionMs: 1_000, requiredConsumers: ['billing'] })
    await log.append(count(1, 30).map((n) => entry(n)))
    await log.putConsumer('billing', 30)
    clock.advance(60_000)
    await log.trim(clock.now())
    deepStrictEqual(log.range(), { oldest: 31, durable: 30 })
    const again = (await reopen()).log
    deepStrictEqual(again.range(), { oldest: 31, durable: 30 })
    strictEqual(await again.append([entry(31)]), 31)
    deepStrictEqual(numbers(again.read(0, 10, all)), [31])
  })

  test(`${name}: at the limit appends wait for a required consumer, and none is lost`, async (t) => {
    const { log, reopen } = await open(t, { bytesMax: 100_000, requiredConsumers: ['billing'] })
    const { waiting, appended } = await fill(log)
    const more = [log.append([entry(appended + 1)]), log.append([entry(appended + 2)])]
    await settled(log)
    deepStrictEqual(log.range(), { oldest: 1, durable: appended - 1 })
    deepStrictEqual(log.state().heldBy, ['billing'])
    ok(log.state().bytes <= 100_000)
    await log.putConsumer('billing', appended - 1)
    deepStrictEqual(await Promise.all([waiting, ...more]), count(appended, appended + 2))
    strictEqual(log.state().full, false)
    deepStrictEqual(log.state().heldBy, [])
    ok(log.range().oldest > 1)
    deepStrictEqual(numbers((await reopen()).log.read(appended - 1, 10, all)), count(appended, appended + 2))
  })

  test(`${name}: a required consumer holds what it has not dealt with against retention`, async (t) => {
    const { log, clock, reopen } = await open(t, { retentionMs: 1_000, requiredConsumers: ['billing'] })
    for (let n = 1; n <= 10; n++) await log.append([entry(n)])
    clock.advance(60_000)
    strictEqual(await log.trim(clock.now()), 0, 'it has not come yet')
    await log.putConsumer('billing', 4)
    await log.trim(clock.now())
    deepStrictEqual(log.range(), { oldest: 5, durable: 10 })
    await log.append(count(11, 15).map((n) => entry(n)))
    await log.putConsumer('billing', 12)
    clock.advance(60_000)
    await log.trim(clock.now())
    ok(log.range().oldest <= 13, 'also within what was appended together')
    deepStrictEqual(numbers(log.read(12, 10, all)), count(13, 15))
    strictEqual((await reopen()).log.consumer('billing')?.required, true)
  })

  test(`${name}: trimming works on a full log`, async (t) => {
    const { log, clock } = await open(t, { retentionMs: 1_000, bytesMax: 100_000, requiredConsumers: ['billing'] })
    await log.append([entry(0)])
    await log.putConsumer('billing', 0)
    const { waiting } = await fill(log)
    clock.advance(60_000)
    await log.putConsumer('billing', log.range().durable)
    ok((await log.trim(clock.now())) >= 0)
    await waiting
    strictEqual(log.state().full, false)
  })
}
