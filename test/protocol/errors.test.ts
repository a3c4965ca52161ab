import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { canonicalCode, errorCodes, spell } from '../../src/protocol/errors.ts'
import { ocppVersions } from '../../src/protocol/version.ts'

test('1.6 has exactly its ten codes, with the misspellings that the errata keep', () => {
  deepStrictEqual(
    new Set(errorCodes.map((code) => spell(code, '1.6'))),
    new Set([
      ...['NotImplemented', 'NotSupported', 'InternalError', 'ProtocolError', 'SecurityError', 'FormationViolation'],
      ...['PropertyConstraintViolation', 'OccurenceConstraintViolation', 'TypeConstraintViolation', 'GenericError']
    ])
  )
})

test('2.0.1 and 2.1 have twelve codes, spelt right', () => {
  for (const version of ['2.0.1', '2.1'] as const) {
    deepStrictEqual(
      errorCodes.map((code) => spell(code, version)),
      [
        ...['NotImplemented', 'NotSupported', 'InternalError', 'ProtocolError', 'SecurityError', 'FormatViolation'],
        ...['PropertyConstraintViolation', 'OccurrenceConstraintViolation', 'TypeConstraintViolation', 'GenericError'],
        ...['RpcFrameworkError', 'MessageTypeNotSupported']
      ]
    )
  }
})

// A wrong spelling made 1.6 stations resend for ever; every gateway met both from stations. (C7)
test('every spelling of every version is understood, whoever sends it', () => {
  for (const version of ocppVersions) {
    for (const code of errorCodes) {
      const isOwn = version !== '1.6' || !['RpcFrameworkError', 'MessageTypeNotSupported'].includes(code)
      if (isOwn) strictEqual(canonicalCode(spell(code, version)), code)
    }
  }
  strictEqual(canonicalCode('FormationViolation'), 'FormatViolation')
  strictEqual(canonicalCode('OccurenceConstraintViolation'), 'OccurrenceConstraintViolation')
  strictEqual(canonicalCode('GENERICERROR'), 'GenericError')
})

test('a text that is no code is none, also when it is a word of JavaScript', () => {
  for (const text of ['', 'Oops', '__proto__', 'constructor', 'toString']) strictEqual(canonicalCode(text), undefined)
})
