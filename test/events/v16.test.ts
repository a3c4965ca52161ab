import { deepStrictEqual, notStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { Decision } from '../../src/events/decision.ts'
import { accepted, handle, receivedAt } from './support.ts'

const timestamp = '2026-11-23T10:00:00Z'
const start = { connectorId: 1, idTag: '04e8A1B2', meterStart: 0, timestamp }
const stop = { transactionId: 7, meterStop: 0, timestamp }

// C1: legal messages with a zero in them got no reply.
test('zero is a value: connector 0, a meter at 0, transaction 0', () => {
  const transaction = { transactionId: '12', orphaned: false }
  const { events, step, answer } = handle(
    '1.6',
    'StartTransaction',
    { ...start, connectorId: 0 },
    { decision: accepted, transaction }
  )
  deepStrictEqual(events[0]?.data, {
    transactionId: '12',
    evse: { id: 0 },
    idToken: { value: '04e8A1B2' },
    meterStartWh: 0,
    deviceTime: { raw: timestamp, utc: '2026-11-23T10:00:00.000Z', skewMs: -123 },
    authorization: { status: 'accepted', decidedBy: 'local' }
  })
  strictEqual(step?.kind === 'start' && step.meterStartWh, 0)
  deepStrictEqual(answer, { idTagInfo: { status: 'Accepted' }, transactionId: 12 })
  const meterValue = [{ timestamp, sampledValue: [{ value: '0' }] }]
  const zero = handle('1.6', 'MeterValues', { connectorId: 0, transactionId: 0, meterValue })
  strictEqual(zero.events[0]?.type, 'transaction.updated')
  strictEqual(zero.events[0]?.data.transactionId, '0')
})

test('energy from a register at zero is energy', () => {
  const transaction = { transactionId: '7', orphaned: false, meterStartWh: 0 }
  const { events } = handle('1.6', 'StopTransaction', { ...stop, meterStop: 0 }, { transaction })
  strictEqual(events[0]?.type === 'transaction.ended' && events[0].data.energyWh, 0)
})

// C4: refused, the charge point comes back with it for ever.
test('a stop of transaction 0, -1 or an unknown one is accepted and flagged orphaned, without energy', () => {
  for (const transactionId of [0, -1, 999]) {
    const transaction = { transactionId: String(transactionId), orphaned: true }
    const payload = { ...stop, transactionId, meterStop: 16100 }
    const { events, answer, step } = handle('1.6', 'StopTransaction', payload, { transaction })
    deepStrictEqual(answer, {})
    strictEqual(step?.transactionId, String(transactionId))
    deepStrictEqual(events[0]?.data, {
      transactionId: String(transactionId),
      meterStopWh: 16100,
      reason: 'local',
      deviceTime: { raw: timestamp, utc: '2026-11-23T10:00:00.000Z', skewMs: -123 },
      defaulted: ['reason'],
      flags: ['orphaned'],
      raw: payload
    })
  }
})

// C3: stations retry under a new message id.
test('the same StartTransaction has one content key, whatever the case of its idTag', () => {
  const keyOf = (payload: unknown) => {
    const { step } = handle('1.6', 'StartTransaction', payload)
    return step?.kind === 'start' ? step.contentKey : undefined
  }
  strictEqual(keyOf(start), keyOf({ ...start, idTag: '04E8a1b2' }))
  for (const other of [{ connectorId: 2 }, { idTag: 'X' }, { meterStart: 1 }, { timestamp: '2026-11-23T10:00:01Z' }])
    notStrictEqual(keyOf({ ...start, ...other }), keyOf(start))
})

test('a repeat says which event it repeats and is complete', () => {
  const transaction = { transactionId: '12', startKey: 'k', duplicateOf: 'e-0', orphaned: false }
  const { events } = handle('1.6', 'StartTransaction', start, { decision: accepted, transaction })
  strictEqual(events[0]?.data.duplicateOf, 'e-0')
  strictEqual(events[0]?.type === 'transaction.started' && events[0].data.startKey, 'k')
  strictEqual(events[0]?.data.raw, undefined)
})

// C5: answers without Z or with microseconds are refused by charge points.
test('currentTime has milliseconds and Z', () => {
  deepStrictEqual(handle('1.6', 'Heartbeat', {}).answer, { currentTime: receivedAt })
  const decision: Decision = { decidedBy: 'local', registration: { status: 'pending', intervalS: 60 } }
  const boot = { chargePointVendor: 'Acme', chargePointModel: 'One' }
  deepStrictEqual(handle('1.6', 'BootNotification', boot, { decision }).answer, {
    status: 'Pending',
    currentTime: receivedAt,
    interval: 60
  })
})

test('1.6 has five words for a decision; ours are said with the nearest', () => {
  const answerTo = (authorization: NonNullable<Decision['authorization']>) =>
    handle('1.6', 'Authorize', { idTag: 'A' }, { decision: { decidedBy: 'http', authorization } }).answer
  deepStrictEqual(answerTo({ status: 'no_credit' }), { idTagInfo: { status: 'Blocked' } })
  deepStrictEqual(answerTo({ status: 'concurrent_tx' }), { idTagInfo: { status: 'ConcurrentTx' } })
  deepStrictEqual(answerTo({ status: 'unknown' }), { idTagInfo: { status: 'Invalid' } })
  const expiresAt = '2026-12-01T00:00:00.000Z'
  deepStrictEqual(answerTo({ status: 'accepted', expiresAt, parentIdToken: { value: 'GROUP' } }), {
    idTagInfo: { status: 'Accepted', expiryDate: expiresAt, parentIdTag: 'GROUP' }
  })
  deepStrictEqual(answerTo({ status: 'accepted', parentIdToken: { value: 'x'.repeat(21) } }), {
    idTagInfo: { status: 'Accepted' }
  })
})

test('what nobody decided is refused', () => {
  deepStrictEqual(handle('1.6', 'Authorize', { idTag: 'A' }).answer, { idTagInfo: { status: 'Invalid' } })
  deepStrictEqual(handle('1.6', 'SignCertificate', { csr: 'PEM' }).answer, { status: 'Rejected' })
  deepStrictEqual(handle('1.6', 'DataTransfer', { vendorId: 'v' }).answer, { status: 'UnknownVendorId' })
  const boot = handle('1.6', 'BootNotification', { chargePointVendor: 'A', chargePointModel: 'B' })
  deepStrictEqual(boot.answer, { status: 'Rejected', currentTime: receivedAt, interval: 300 })
  const [booted] = boot.events
  const registration = { status: 'rejected', intervalS: 300, decidedBy: 'gateway' }
  deepStrictEqual(booted?.type === 'charge_point.booted' && booted.data.registration, registration)
})

test('a decision that fell back is flagged', () => {
  const decision: Decision = { decidedBy: 'fallback', authorization: { status: 'accepted' } }
  const { events } = handle('1.6', 'Authorize', { idTag: 'A' }, { decision })
  deepStrictEqual(events[0]?.data.flags, ['decision.fallback'])
})

test('the answer to a vendor message is what was decided, as text, and the event tells it', () => {
  const decision: Decision = { decidedBy: 'http', response: { status: 'Accepted', data: { a: 1 } } }
  const { answer, events } = handle('1.6', 'DataTransfer', { vendorId: 'v', data: 'x' }, { decision })
  deepStrictEqual(answer, { status: 'Accepted', data: '{"a":1}' })
  deepStrictEqual(events[0]?.data, {
    vendorId: 'v',
    data: 'x',
    answer: { status: 'accepted', rawStatus: 'Accepted', decidedBy: 'http', data: { a: 1 } }
  })
})

test('a start of more than five minutes ago was kept while the station was offline', () => {
  const offline = (said: string) => {
    const { question } = handle('1.6', 'StartTransaction', { ...start, timestamp: said })
    return question?.kind === 'transaction' ? question.offline : undefined
  }
  strictEqual(offline(timestamp), false)
  strictEqual(offline('2026-11-23T09:54:00Z'), true)
  // A clock that was never set says nothing.
  strictEqual(offline('1970-01-01T00:00:00Z'), false)
  strictEqual(offline('no time'), false)
})

test('a station that says nothing but NoError has no error; one that adds words has', () => {
  const status = { connectorId: 1, status: 'Available', errorCode: 'NoError' }
  const dataOf = (more: object) => handle('1.6', 'StatusNotification', { ...status, ...more }).events[0]?.data
  const common = { evse: { id: 1, connectorId: 1 }, status: 'available', rawStatus: 'Available' }
  deepStrictEqual(dataOf({}), { ...common, rawErrorCode: 'NoError' })
  deepStrictEqual(dataOf({ info: 'all good' }), { ...common, error: { code: 'NoError', info: 'all good' } })
})

test('every 1.6 status is one of five, and tells what it told', () => {
  const said = ['Preparing', 'Charging', 'SuspendedEVSE', 'SuspendedEV', 'Finishing', 'Reserved', 'Unavailable']
  const told = said.map((status) => {
    const [event] = handle('1.6', 'StatusNotification', { connectorId: 1, status, errorCode: 'NoError' }).events
    ok(event?.type === 'connector.status_changed')
    strictEqual(event.data.rawStatus, status)
    return event.data.detail === undefined ? event.data.status : `${event.data.status}/${event.data.detail}`
  })
  deepStrictEqual(told, [
    'occupied/preparing',
    'occupied/charging',
    'occupied/suspended_evse',
    'occupied/suspended_ev',
    'occupied/finishing',
    'reserved',
    'unavailable'
  ])
})

// D11: a transaction message that can be understood is accepted; what it lacks is absent.
test('a start without a register and a stop without a time are events all the same', () => {
  const { meterStart: _, ...bare } = start
  const transaction = { transactionId: '12', orphaned: false }
  const flags = ['payload.missingMember']
  const begun = handle('1.6', 'StartTransaction', bare, { decision: accepted, transaction, flags }).events[0]
  strictEqual(begun?.data && 'meterStartWh' in begun.data, false)
  deepStrictEqual(begun?.data.raw, bare)
  const ended = handle('1.6', 'StopTransaction', { ...stop, timestamp: '' }, { transaction, flags }).events[0]
  deepStrictEqual(ended?.type === 'transaction.ended' && ended.data.deviceTime, { raw: '' })
  deepStrictEqual(ended?.data.flags, ['payload.missingMember', 'deviceTime.unparsable'])
})

test('raw is there always or never when the setting says so', () => {
  const payload = { status: 'Installed' }
  const rawOf = (includeRaw: 'always' | 'never' | 'when_needed', flags: readonly string[]) =>
    handle('1.6', 'FirmwareStatusNotification', payload, { includeRaw, flags }).events[0]?.data.raw
  deepStrictEqual(rawOf('always', []), payload)
  strictEqual(rawOf('when_needed', []), undefined)
  deepStrictEqual(rawOf('when_needed', ['odd']), payload)
  strictEqual(rawOf('never', ['odd']), undefined)
})

test('raw is what was said, not the corrected copy of it', () => {
  const said = { status: 'Installed', also: null }
  const given = { flags: ['payload.nullMember'], said }
  deepStrictEqual(handle('1.6', 'FirmwareStatusNotification', { status: 'Installed' }, given).events[0]?.data.raw, said)
})

test('a register that runs backwards is told, and flagged', () => {
  const transaction = { transactionId: '7', orphaned: false, meterStartWh: 500 }
  const { events } = handle('1.6', 'StopTransaction', { ...stop, meterStop: 400 }, { transaction })
  ok(events[0]?.type === 'transaction.ended')
  strictEqual(events[0].data.energyWh, -100)
  deepStrictEqual(events[0].data.flags, ['energy.negative'])
})
