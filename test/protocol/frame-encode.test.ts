import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import {
  decodeFrame,
  encodeCall,
  encodeError,
  encodeResult,
  encodeResultError,
  encodeSend
} from '../../src/protocol/frame.ts'

test('what is encoded is decoded to the same', () => {
  const payload = { idTag: 'é"\u0000\ud83d', n: [1, { a: null }] }
  deepStrictEqual(decodeFrame(encodeCall('a1', 'Authorize', payload), '1.6', 'strict'), {
    kind: 'call',
    id: 'a1',
    action: 'Authorize',
    payload
  })
  deepStrictEqual(decodeFrame(encodeSend('a1', 'NotifyPeriodicEventStream', payload), '2.1', 'strict'), {
    kind: 'send',
    id: 'a1',
    action: 'NotifyPeriodicEventStream',
    payload
  })
  deepStrictEqual(decodeFrame(encodeResult('a1', payload), '1.6', 'strict'), { kind: 'call_result', id: 'a1', payload })
  deepStrictEqual(decodeFrame(encodeError('a1', 'FormatViolation', 'why', { at: 1 }, '1.6'), '1.6', 'strict'), {
    kind: 'call_error',
    id: 'a1',
    code: 'FormationViolation',
    description: 'why',
    details: { at: 1 }
  })
  deepStrictEqual(decodeFrame(encodeResultError('a1', 'FormatViolation', 'why', {}), '2.1', 'strict'), {
    kind: 'call_result_error',
    id: 'a1',
    code: 'FormatViolation',
    description: 'why',
    details: {}
  })
})

test('an empty payload is {}, never null or absent (rule 31)', () => {
  strictEqual(encodeCall('a1', 'ClearCache', undefined), '[2,"a1","ClearCache",{}]')
  strictEqual(encodeResult('a1', null), '[3,"a1",{}]')
})

test('an id is echoed in its own JSON type (D5)', () => {
  strictEqual(encodeResult(17, {}), '[3,17,{}]')
  strictEqual(encodeResult('17', {}), '[3,"17",{}]')
  strictEqual(encodeError(17, 'GenericError', '', {}, '2.1'), '[4,17,"GenericError","",{}]')
})

test('a description has at most 255 characters and never ends in half of one (rule 32)', () => {
  const descriptionOf = (text: string): string => JSON.parse(encodeError('a1', 'GenericError', text, {}, '2.0.1'))[3]
  strictEqual(descriptionOf('x'.repeat(255)), 'x'.repeat(255))
  strictEqual(descriptionOf('x'.repeat(256)), 'x'.repeat(255))
  strictEqual(descriptionOf(`${'x'.repeat(254)}😀`), 'x'.repeat(254))
  strictEqual(JSON.parse(encodeResultError('a1', 'GenericError', 'x'.repeat(999), {}))[3].length, 255)
})
