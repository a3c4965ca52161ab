import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { formatSequence } from '../../src/events/envelope.ts'
import { type AnyGatewayEvent, eventTypes, isEventOf, parseSequence } from '../../src/events/public.ts'

test('a reader tells events apart by their type, in types too', () => {
  const event: { readonly type: string; readonly data: unknown } = {
    type: 'transaction.ended',
    data: { transactionId: 't', reason: 'local', deviceTime: { raw: 'r' } }
  }
  strictEqual(isEventOf(event, 'transaction.started'), false)
  if (isEventOf(event, 'transaction.ended')) strictEqual(event.data.transactionId, 't')
  const told = (any: AnyGatewayEvent): string => (any.type === 'meter.values' ? String(any.data.evse.id) : any.type)
  strictEqual(told(event as AnyGatewayEvent), 'transaction.ended')
})

test('a sequence is read as it is written, and sorts as text', () => {
  deepStrictEqual(parseSequence(formatSequence(217591200, 3)), { epoch: 217591200, n: 3 })
  strictEqual(parseSequence('217591200-3'), undefined)
  strictEqual(formatSequence(9, 10) > formatSequence(9, 9), true)
})

test('every type of event is named once', () => {
  strictEqual(new Set(eventTypes).size, eventTypes.length)
})
