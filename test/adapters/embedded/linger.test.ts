import { ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { Linger } from '../../../src/adapters/embedded/linger.ts'

/** Commits of 0.5 ms under `callsPerMs` that come by themselves, as from many charge points; returns the last waits. */
function underLoad(linger: Linger, callsPerMs: number, commits: number): number {
  const commitMs = 0.5
  let nowMs = 10_000
  let waiting = 1
  let sum = 0
  let counted = 0
  for (let n = 0; n < commits; n++) {
    const delayMs = linger.delayMs(Math.floor(waiting))
    nowMs += delayMs
    waiting += delayMs * callsPerMs
    const calls = Math.max(1, Math.floor(waiting))
    const joined = commitMs * callsPerMs
    nowMs += commitMs
    linger.committed(calls, Math.floor(joined + (n % 2 === 0 ? joined % 1 : 0) * 2), nowMs)
    waiting = joined
    if (joined < 1) {
      nowMs += (1 - joined) / callsPerMs
      waiting = 1
    }
    if (n >= commits / 2) {
      sum += delayMs
      counted++
    }
  }
  return sum / counted
}

test('the first commit never waits', () => {
  strictEqual(new Linger(5).delayMs(1), 0)
})

test('one who waits for each append before the next is never kept waiting', () => {
  const linger = new Linger(5)
  for (let nowMs = 0; nowMs < 200; nowMs += 0.5) {
    strictEqual(linger.delayMs(1), 0)
    linger.committed(1, 0, nowMs)
  }
})

test('at middling load a commit waits some milliseconds for company', () => {
  const delayMs = underLoad(new Linger(5), 2, 400)
  ok(delayMs >= 2 && delayMs <= 5, `${delayMs} ms`)
})

test('at high load the commits are wait enough', () => {
  const delayMs = underLoad(new Linger(5), 60, 400)
  ok(delayMs < 0.5, `${delayMs} ms`)
})

test('a batch that is large already does not wait', () => {
  const linger = new Linger(5)
  underLoad(linger, 2, 400)
  ok(linger.delayMs(1) > 0)
  strictEqual(linger.delayMs(16), 0)
})

test('after a silence the first commit does not wait', () => {
  const linger = new Linger(5)
  underLoad(linger, 2, 400)
  linger.committed(1, 0, 1_000_000)
  strictEqual(linger.delayMs(1), 0)
})

test('with a limit of 0 nothing ever waits', () => {
  const linger = new Linger(0)
  underLoad(linger, 2, 400)
  strictEqual(linger.delayMs(1), 0)
})
