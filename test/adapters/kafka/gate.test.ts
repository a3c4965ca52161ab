import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { Gate } from '../../../src/adapters/kafka/gate.ts'
import { backOffMs, wait, within } from '../../../src/adapters/kafka/wait.ts'
import { FakeClock } from '../../support/fake-clock.ts'

test('a gate lets through while it is open, when it opens, and when the one who waits is called off', async () => {
  const gate = new Gate()
  const calledOff = new AbortController()
  const never = new AbortController().signal
  await gate.pass(never)
  gate.shut()
  gate.shut()
  ok(!gate.isOpen)
  const passed: string[] = []
  const waiting = gate.pass(never).then(() => passed.push('opened'))
  const aborted = gate.pass(calledOff.signal).then(() => passed.push('called off'))
  calledOff.abort()
  await aborted
  deepStrictEqual(passed, ['called off'])
  gate.open()
  await waiting
  deepStrictEqual(passed, ['called off', 'opened'])
  await gate.pass(calledOff.signal)
})

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
