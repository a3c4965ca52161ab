import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { SendBudget } from '../../src/gateway/send-budget.ts'
import { FakeClock } from '../support/fake-clock.ts'

function taken(budget: SendBudget): number {
  let count = 0
  while (budget.take()) count++
  return count
}

test('a rest saves up a burst and no more', () => {
  const clock = new FakeClock()
  const budget = new SendBudget(clock, 400, 64)
  strictEqual(taken(budget), 64)
  clock.advance(60_000)
  strictEqual(taken(budget), 64)
})

test('without a token the wait is as long as the next one takes', () => {
  const clock = new FakeClock()
  const budget = new SendBudget(clock, 100, 1)
  strictEqual(budget.take(), true)
  strictEqual(budget.take(), false)
  strictEqual(budget.waitMs, 10)
  clock.advance(4)
  strictEqual(budget.take(), false)
  strictEqual(budget.waitMs, 6)
  clock.advance(6)
  deepStrictEqual([budget.take(), budget.take()], [true, false])
})

test('over time there are as many as the rate says', () => {
  const clock = new FakeClock()
  const budget = new SendBudget(clock, 400, 8)
  let count = taken(budget)
  for (let ms = 0; ms < 1_000; ms += 3) {
    clock.advance(3)
    count += taken(budget)
  }
  strictEqual(count, 8 + Math.floor(0.4 * 1_002))
})
