import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import type { Clock } from '../../src/ports/clock.ts'

test('a wall clock that is set back makes time stand until it is caught up', () => {
  const walls = [1_000, 1_500, 400, 1_499, 1_501]
  const clock: Clock = createSystemClock(() => walls.shift() ?? 0)
  deepStrictEqual(
    [clock.now(), clock.now(), clock.now(), clock.now(), clock.now()],
    [1_000, 1_500, 1_500, 1_500, 1_501]
  )
})

test('a timer calls back once, and not at all when it was cancelled', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const clock = createSystemClock()
  const called: string[] = []
  clock.after(100, () => called.push('first'))
  const cancel = clock.after(100, () => called.push('second'))
  cancel()
  context.mock.timers.tick(99)
  deepStrictEqual(called, [])
  context.mock.timers.tick(1_000)
  deepStrictEqual(called, ['first'])
})

test('a delay beyond the reach of setTimeout is waited for, and can be cancelled on the way', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const clock = createSystemClock()
  const fortyDaysMs = 40 * 86_400_000
  let calls = 0
  clock.after(fortyDaysMs, () => {
    calls += 1
  })
  const cancel = clock.after(fortyDaysMs, () => {
    calls += 100
  })
  const firstStepMs = 2 ** 31 - 1
  context.mock.timers.tick(firstStepMs)
  strictEqual(calls, 0)
  cancel()
  context.mock.timers.tick(fortyDaysMs - firstStepMs)
  strictEqual(calls, 1)
})
