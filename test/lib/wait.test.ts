import { ok, rejects, strictEqual } from 'node:assert'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { backOffMs, unlessAborted, wait, within } from '../../src/lib/wait.ts'
import { FakeClock } from '../support/fake-clock.ts'

test('a wait ends with its time or with its signal', async () => {
  const clock = new FakeClock()
  const signal = new AbortController()
  const timely = wait(clock, 100, signal.signal)
  clock.advance(100)
  await timely
  const early = wait(clock, 100, signal.signal)
  signal.abort()
  await early
  await wait(clock, 100, signal.signal)
})

test('back-off doubles up to its bound, spread by a fifth', () => {
  for (const [failures, ms] of [
    [1, 250],
    [2, 500],
    [5, 4000],
    [6, 5000],
    [1000, 5000]
  ] as const) {
    const delay = backOffMs(failures)
    ok(delay >= ms * 0.8 && delay <= ms * 1.2, `${failures}: ${delay}`)
  }
})

test('work that never ends is left behind, and its fault is told', async () => {
  const clock = new FakeClock()
  const hung = within(clock, 1000, new Promise(() => undefined), () => undefined)
  clock.advance(1000)
  await hung
  const faults: unknown[] = []
  await within(clock, 1000, Promise.reject(new Error('no')), (error) => faults.push(error))
  strictEqual(faults.length, 1)
})

test('work that ends before the abort gives what it came to, and leaves no listener behind', async () => {
  const { signal } = new AbortController()
  strictEqual(await unlessAborted(Promise.resolve(7), signal), 7)
  await rejects(unlessAborted(Promise.reject(new Error('away')), signal), /away/)
  strictEqual(getEventListeners(signal, 'abort').length, 0)
})

test('an abort ends the wait, and nobody need hear how the work ends', async () => {
  const stop = new AbortController()
  const work = Promise.withResolvers<void>()
  const waited = unlessAborted(work.promise, stop.signal)
  stop.abort(new Error('closed'))
  await rejects(waited, /closed/)
  await rejects(unlessAborted(work.promise, stop.signal), /closed/)
  strictEqual(getEventListeners(stop.signal, 'abort').length, 0)
  // Unheard, it would end this test.
  work.reject(new Error('too late'))
  await new Promise((resolve) => setImmediate(resolve))
})
