import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { createValidator } from '../../src/protocol/validate.ts'

const v16 = createValidator('1.6')
const v201 = createValidator('2.0.1')
const time = '2026-11-23T10:00:00Z'
const start = { connectorId: 1, idTag: 'A', meterStart: 0, timestamp: time }
const event = {
  eventType: 'Started',
  timestamp: time,
  triggerReason: 'Authorized',
  seqNo: 0,
  transactionInfo: { transactionId: 't' }
}

test('a valid payload costs nothing: the result is one constant', () => {
  const first = v16.validateRequest('Heartbeat', {}, 'strict')
  strictEqual(first, v16.validateRequest('StartTransaction', start, 'tolerant'))
  strictEqual(Object.isFrozen(first), true)
})

test('zero is a value: connector 0 and meter 0 are no faults (C1)', () => {
  const zero = v16.validateRequest('StartTransaction', { ...start, connectorId: 0 }, 'strict')
  deepStrictEqual(zero, { ok: true })
})

test('strict forgives in transaction messages only', () => {
  strictEqual(
    v16.validateRequest('BootNotification', { chargePointVendor: 5, chargePointModel: 'M' }, 'strict').ok,
    false
  )
  deepStrictEqual(v16.validateRequest('StartTransaction', { ...start, idTag: 5 }, 'strict'), {
    ok: true,
    payload: { ...start, idTag: '5' },
    flags: ['payload.coerced']
  })
})

test('numbers as text and text as numbers become what they should be, in a copy', () => {
  const sent = Object.freeze({ ...start, connectorId: ' 1 ', meterStart: '1e3', idTag: 42 })
  deepStrictEqual(v16.validateRequest('StartTransaction', sent, 'tolerant'), {
    ok: true,
    payload: { ...start, meterStart: 1000, idTag: '42' },
    flags: ['payload.coerced']
  })
})

test('a text that is no number is none', () => {
  for (const connectorId of ['', ' ', 'one', '0x10', '1_000', 'Infinity', '1.5', '9007199254740993']) {
    strictEqual(v16.validateRequest('StartTransaction', { ...start, connectorId }, 'tolerant').ok, false, connectorId)
  }
})

test('a meter reading with a fraction is passed on as it is, never rounded', () => {
  deepStrictEqual(v16.validateRequest('StartTransaction', { ...start, meterStart: 1234.5 }, 'strict'), {
    ok: true,
    flags: ['payload.notInteger']
  })
})

test('a null optional member is absent; a null required one is missing', () => {
  const boot = { chargePointVendor: 'V', chargePointModel: 'M' }
  deepStrictEqual(v16.validateRequest('BootNotification', { ...boot, iccid: null }, 'tolerant'), {
    ok: true,
    payload: boot,
    flags: ['payload.nullMember']
  })
  const missing = v16.validateRequest('BootNotification', { ...boot, chargePointModel: null }, 'tolerant')
  strictEqual(missing.ok ? undefined : missing.code, 'OccurrenceConstraintViolation')
})

test('a list of one without its list becomes one', () => {
  const sampledValue = { value: '1' }
  deepStrictEqual(
    v16.validateRequest('MeterValues', { connectorId: 1, meterValue: { timestamp: time, sampledValue } }, 'strict'),
    {
      ok: true,
      payload: { connectorId: 1, meterValue: [{ timestamp: time, sampledValue: [sampledValue] }] },
      flags: ['payload.coerced']
    }
  )
})

test('what cannot be read of a transaction message is left out, the rest stands', () => {
  const good = { timestamp: time, sampledValue: [{ value: '1' }] }
  const sent = {
    connectorId: 1,
    transactionId: {},
    meterValue: [7, good, { timestamp: time, sampledValue: [{}] }, 'x']
  }
  deepStrictEqual(v16.validateRequest('MeterValues', sent, 'strict'), {
    ok: true,
    payload: { connectorId: 1, meterValue: [good, { timestamp: time, sampledValue: [] }] },
    flags: ['payload.dropped']
  })
})

test('a transaction message that lacks numbers lacks them, and texts are empty: nothing is guessed', () => {
  deepStrictEqual(v16.validateRequest('StopTransaction', { transactionId: 7 }, 'strict'), {
    ok: true,
    payload: { transactionId: 7, timestamp: '' },
    flags: ['payload.missingMember']
  })
  const { seqNo: _, triggerReason: __, ...lacking } = event
  deepStrictEqual(v201.validateRequest('TransactionEvent', { ...lacking, idToken: { idToken: 'A' } }, 'strict'), {
    ok: true,
    payload: { ...lacking, triggerReason: '', idToken: { idToken: 'A', type: '' } },
    flags: ['payload.missingMember']
  })
})

test('an EVSE without its number is left out of a TransactionEvent', () => {
  deepStrictEqual(v201.validateRequest('TransactionEvent', { ...event, evse: { connectorId: 1 } }, 'strict'), {
    ok: true,
    payload: event,
    flags: ['payload.dropped']
  })
})

test('without what it is about, a transaction message is not understood, and the answer names that', () => {
  const refusals: readonly [string, object, string][] = [
    ['StartTransaction', { ...start, idTag: null, timestamp: 'x' }, "payload must have required property 'idTag'"],
    ['StopTransaction', { transactionId: 'x', timestamp: 5 }, '/transactionId must be integer'],
    ['MeterValues', { connectorId: 1, meterValue: 'x' }, '/meterValue must be array']
  ]
  for (const [action, payload, detail] of refusals) {
    const checked = v16.validateRequest(action, payload, 'tolerant')
    strictEqual(checked.ok ? 'accepted' : checked.detail, detail)
  }
  const unknown = v201.validateRequest('TransactionEvent', { ...event, eventType: 'Begun', seqNo: 'x' }, 'tolerant')
  strictEqual(unknown.ok ? 'accepted' : unknown.detail, '/eventType must be equal to one of the allowed values')
})

test('customData that is none is left out when tolerant, wherever it stands', () => {
  deepStrictEqual(v201.validateRequest('Heartbeat', { customData: { x: 1 } }, 'tolerant'), {
    ok: true,
    payload: {},
    flags: ['payload.customData']
  })
  const evse = { id: 1, customData: { vendorId: [null] } }
  deepStrictEqual(v201.validateRequest('TransactionEvent', { ...event, evse }, 'strict'), {
    ok: true,
    payload: { ...event, evse: { id: 1 } },
    flags: ['payload.customData']
  })
})

test('a question whose answer repeats it is not forgiven: our answer would be wrong too', () => {
  const v21 = createValidator('2.1')
  strictEqual(v21.validateRequest('VatNumberValidation', { vatNumber: 'x'.repeat(50) }, 'tolerant').ok, false)
})

test('an answer with an unknown status is no answer; with an unknown member it is one', () => {
  strictEqual(v16.validateResponse('Reset', { status: 'Maybe' }, 'tolerant').ok, false)
  deepStrictEqual(v16.validateResponse('Reset', { status: 'Accepted', x: 1 }, 'tolerant'), {
    ok: true,
    flags: ['payload.unknownMember']
  })
  strictEqual(v16.validateResponse('Reset', { status: 'Accepted', x: 1 }).ok, false)
})

// Ajv divides in binary: 134 of the 401 limits up to 40.0 A were refused by a gateway of this kind.
test('every limit of one decimal is a multiple of 0.1, and one of two decimals is not', () => {
  const schedule = (limit: number) => ({
    status: 'Accepted',
    chargingSchedule: { chargingRateUnit: 'A', chargingSchedulePeriod: [{ startPeriod: 0, limit }] }
  })
  for (let tenths = 0; tenths <= 400; tenths += 1) {
    strictEqual(v16.validateResponse('GetCompositeSchedule', schedule(tenths / 10)).ok, true, `${tenths} / 10`)
  }
  strictEqual(v16.validateResponse('GetCompositeSchedule', schedule(6.25)).ok, false)
  deepStrictEqual(v16.validateResponse('GetCompositeSchedule', schedule(6.25), 'tolerant'), {
    ok: true,
    flags: ['payload.tooPrecise']
  })
})

test('our own CALLs are checked strictly, and only those that are ours', () => {
  deepStrictEqual(v16.validateCommand('Reset', { type: 'Soft' }), { ok: true })
  deepStrictEqual(v16.validateCommand('DataTransfer', { vendorId: 'v' }), { ok: true })
  const codes = [
    v16.validateCommand('Reset', { type: 'Soft', x: 1 }),
    v16.validateCommand('Heartbeat', {}),
    v16.validateCommand('RequestStartTransaction', {})
  ].map((checked) => (checked.ok ? 'accepted' : checked.code))
  deepStrictEqual(codes, ['FormatViolation', 'NotSupported', 'NotImplemented'])
})

test('a member named __proto__ survives the copy and reaches nothing', () => {
  const sent = JSON.parse('{"connectorId":"1","idTag":"A","meterStart":0,"timestamp":"x","__proto__":{"polluted":1}}')
  const checked = v16.validateRequest('StartTransaction', sent, 'tolerant')
  strictEqual(checked.ok && JSON.stringify(checked.payload).includes('polluted'), true)
  strictEqual('polluted' in {}, false)
})

test('a payload with more than a thousand faults is refused without a closer look', () => {
  const sent = { ...start, ...Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`x${n}`, 1])) }
  strictEqual(v16.validateRequest('StartTransaction', sent, 'tolerant').ok, false)
})

test('a list that is too long is taken whole and flagged', () => {
  const certificate = { hashAlgorithm: 'SHA256', issuerNameHash: 'a', issuerKeyHash: 'b', serialNumber: 'c' }
  const iso15118CertificateHashData = Array.from({ length: 5 }, () => ({ ...certificate, responderURL: 'http://x' }))
  const authorize = { idToken: { idToken: 'A', type: 'Central' }, iso15118CertificateHashData }
  deepStrictEqual(v201.validateRequest('Authorize', authorize, 'tolerant'), {
    ok: true,
    flags: ['payload.tooManyItems']
  })
  strictEqual(v201.validateRequest('Authorize', authorize, 'strict').ok, false)
})
