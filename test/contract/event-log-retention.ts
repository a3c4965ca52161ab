import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { all, count, type EventLogSettings, entry, numbers, type OpenedEventLog, settled } from './event-log.ts'

/** What an event log lets go by itself, required by nobody: by age and at its limit. */
export function eventLogRetentionContract(
  name: string,
  create: (settings?: EventLogSettings) => Promise<OpenedEventLog>
): void {
  const open = async (t: TestContext, settings?: EventLogSettings) => {
    let now = await create(settings)
    t.after(() => now.dispose())
    return {
      ...now,
      reopen: async () => {
        now = await now.reopen()
        return now
      }
    }
  }

  test(`${name}: what is older than the retention goes, what is younger stays`, async (t) => {
    const { log, clock } = await open(t, { retentionMs: 10_000 })
    await log.append(count(1, 30).map((n) => entry(n)))
    clock.advance(8_000)
    await log.append([entry(31)])
    strictEqual(await log.trim(clock.now()), 0)
    clock.advance(5_000)
    await log.trim(clock.now())
    deepStrictEqual(log.range(), { oldest: 31, durable: 31 })
    deepStrictEqual(numbers(log.read(0, 100, all)), [31])
  })

  test(`${name}: a log that retention emptied goes on counting, also over a restart`, async (t) => {
    const { log, clock, reopen } = await open(t, { retentionMs: 10_000 })
    await log.append(count(1, 30).map((n) => entry(n)))
    clock.advance(20_000)
    strictEqual(await log.trim(clock.now()), 30)
    deepStrictEqual(log.range(), { oldest: 31, durable: 30 })
    strictEqual(log.state().bytes, 0)
    const again = (await reopen()).log
    deepStrictEqual(again.range(), { oldest: 31, durable: 30 })
    strictEqual(await again.append([entry(31)]), 31)
    deepStrictEqual(numbers(again.read(0, 10, all)), [31])
  })

  test(`${name}: the oldest go when the log is at its limit, and a consumer that nobody requires is overtaken`, async (t) => {
    const bytesMax = 200_000
    const { log } = await open(t, { bytesMax })
    await log.append([entry(1, [], 500)])
    await log.putConsumer('slow', 0)
    for (let n = 2; n <= 1_000; n += 10) await log.append(count(n, n + 9).map((each) => entry(each, [], 500)))
    const { oldest, durable } = log.range()
    strictEqual(durable, 1_001)
    ok(oldest > 2, `the oldest is ${oldest}`)
    ok(log.state().bytes <= bytesMax, `${log.state().bytes} bytes`)
    ok(log.state().bytes > bytesMax / 2, `${log.state().bytes} bytes: no more goes than has to`)
    strictEqual(log.consumer('slow')?.position, 0)
    deepStrictEqual(numbers(log.read(0, 2_000, 10_000_000)), count(oldest, durable))
  })

  test(`${name}: retention runs by itself`, async (t) => {
    const { log, clock } = await open(t, { retentionMs: 10_000 })
    await log.append(count(1, 30).map((n) => entry(n)))
    clock.advance(3_600_000)
    await settled(log)
    deepStrictEqual(log.range(), { oldest: 31, durable: 30 })
  })
}
