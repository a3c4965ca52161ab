import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { EventDraft } from '../../src/events/model.ts'
import type { EventTable } from '../../src/events/table.ts'
import { rulesOf } from '../../src/events/to-events.ts'
import { v16Events } from '../../src/events/v16.ts'
import { v21Events } from '../../src/events/v21.ts'
import { v201Events } from '../../src/events/v201.ts'
import { type V16ChargePointCalls, v16ChargePointActions } from '../../src/protocol/v16.ts'
import { type V21ChargePointCalls, v21ChargePointActions, v21ChargePointSends } from '../../src/protocol/v21.ts'
import { v201ChargePointActions } from '../../src/protocol/v201.ts'

const { Heartbeat: _, ...withoutHeartbeat } = v16Events

// The compiler is the test: an expected error that does not come is an error.
// @ts-expect-error a missing row does not compile
withoutHeartbeat satisfies EventTable<V16ChargePointCalls>
// @ts-expect-error 2.0.1 lacks what 2.1 alone may send
v201Events satisfies EventTable<V21ChargePointCalls>
const wrong = {
  ...v16Events,
  // @ts-expect-error a mapping of a member that is not there does not compile
  Authorize: { ...v16Events.Authorize, ask: (p) => ({ kind: 'authorize', idToken: { value: p.idToken } }) }
} satisfies EventTable<V16ChargePointCalls>
// @ts-expect-error data of another event type does not compile
const draft: EventDraft = { type: 'authorization.decided', data: { status: 'available', rawStatus: 'Available' } }

test('every action that a charge point may send has a row, and no other has', () => {
  deepStrictEqual([...rulesOf('1.6').keys()].sort(), [...v16ChargePointActions].sort())
  deepStrictEqual([...rulesOf('2.0.1').keys()].sort(), [...v201ChargePointActions].sort())
  deepStrictEqual([...rulesOf('2.1').keys()].sort(), [...v21ChargePointActions, ...v21ChargePointSends].sort())
})

test('an action is a word that a stranger sent', () => {
  for (const word of ['__proto__', 'constructor', 'toString', 'heartbeat', '']) {
    strictEqual(rulesOf('1.6').get(word), undefined, word)
    strictEqual(rulesOf('2.1').get(word), undefined, word)
  }
})

test('2.1 is 2.0.1 and its own rows', () => {
  for (const [action, row] of Object.entries(v201Events)) strictEqual(v21Events[action as keyof typeof v201Events], row)
  strictEqual(Object.keys(wrong).length, Object.keys(v16Events).length)
  strictEqual(draft.type, 'authorization.decided')
})

test('only a Heartbeat is answered at once; what makes events is durable or decided first', () => {
  for (const version of ['1.6', '2.0.1', '2.1'] as const) {
    for (const [action, { ack }] of rulesOf(version)) strictEqual(ack === 'immediate', action === 'Heartbeat', action)
  }
})

test('a SEND has no answer, every CALL has one', () => {
  for (const version of ['1.6', '2.0.1', '2.1'] as const) {
    for (const [action, { answer }] of rulesOf(version))
      strictEqual(answer === undefined, action === 'NotifyPeriodicEventStream', action)
  }
})

test('who asks nothing is never marked decision', () => {
  for (const version of ['1.6', '2.0.1', '2.1'] as const) {
    for (const [action, { ack, ask }] of rulesOf(version)) strictEqual(ask !== undefined, ack === 'decision', action)
  }
})
