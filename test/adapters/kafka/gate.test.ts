import { deepStrictEqual, ok } from 'node:assert'
import { test } from 'node:test'
import { Gate } from '../../../src/adapters/kafka/gate.ts'

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
