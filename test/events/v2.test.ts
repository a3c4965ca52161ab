import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { Decision } from '../../src/events/decision.ts'
import { accepted, handle, receivedAt } from './support.ts'

const timestamp = '2026-11-23T10:00:00Z'
const deviceTime = { raw: timestamp, utc: '2026-11-23T10:00:00.000Z', skewMs: -123 }
const versions = ['2.0.1', '2.1'] as const

function notifyEvent(...eventData: readonly object[]) {
  const common = { timestamp, trigger: 'Delta', eventNotificationType: 'HardWiredNotification' }
  return {
    generatedAt: timestamp,
    seqNo: 0,
    eventData: eventData.map((one, eventId) => ({ eventId, ...common, ...one }))
  }
}

test('a NotifyEvent that carries AvailabilityState gives the status of the one that it is about', () => {
  const about = (name: string, evse?: object) => ({
    component: { name, ...(evse ? { evse } : {}) },
    variable: { name: 'AvailabilityState' },
    actualValue: 'Occupied'
  })
  const payload = notifyEvent(
    about('Connector', { id: 2, connectorId: 1 }),
    about('EVSE', { id: 2 }),
    about('ChargingStation')
  )
  for (const version of versions) {
    const { events } = handle(version, 'NotifyEvent', payload)
    deepStrictEqual(
      events.map(({ type }) => type),
      [
        'monitoring.event',
        'connector.status_changed',
        'monitoring.event',
        'evse.status_changed',
        'monitoring.event',
        'charge_point.status_changed'
      ]
    )
    const status = { status: 'occupied', rawStatus: 'Occupied', deviceTime }
    deepStrictEqual(events[1]?.data, { evse: { id: 2, connectorId: 1 }, ...status })
    deepStrictEqual(events[3]?.data, { evse: { id: 2 }, ...status })
    deepStrictEqual(events[5]?.data, { evse: { id: 0 }, ...status })
  }
})

test('another variable, or another component, tells no status', () => {
  const payload = notifyEvent(
    { component: { name: 'Connector' }, variable: { name: 'Problem' }, actualValue: 'true' },
    { component: { name: 'TokenReader' }, variable: { name: 'AvailabilityState' }, actualValue: 'Available' }
  )
  deepStrictEqual(
    handle('2.0.1', 'NotifyEvent', payload).events.map(({ type }) => type),
    ['monitoring.event', 'monitoring.event']
  )
})

test('a long report is not copied into each of its events: raw stands on the first, flags on all', () => {
  const one = { component: { name: 'C' }, variable: { name: 'V' }, actualValue: '1' }
  const { events } = handle('2.0.1', 'NotifyEvent', notifyEvent(one, one, one), { flags: ['odd'] })
  deepStrictEqual(
    events.map(({ data }) => data.raw !== undefined),
    [true, false, false]
  )
  for (const { data } of events) deepStrictEqual(data.flags, ['odd'])
})

test('a NotifyEvent without anything in it was answered, so it is an event', () => {
  const payload = notifyEvent()
  const { events } = handle('2.0.1', 'NotifyEvent', payload, { flags: ['payload.emptyArray'] })
  strictEqual(events[0]?.type, 'protocol.violation')
  deepStrictEqual(events[0]?.data.raw, payload)
})

const register = (value: number, context: string, more: object = {}) => ({ value, context, ...more })

test('the registers of a 2.x transaction are those of its begin and its end', () => {
  const meterValue = [
    {
      timestamp,
      sampledValue: [
        register(999, 'Transaction.Begin', { measurand: 'Power.Active.Import' }),
        register(99, 'Transaction.Begin', { phase: 'L1' }),
        register(9, 'Transaction.Begin', { location: 'EV' }),
        register(8, 'Transaction.Begin', { unitOfMeasure: { unit: 'varh' } }),
        register(0.3, 'Transaction.Begin', { unitOfMeasure: { unit: 'kWh' } }),
        register(1, 'Sample.Periodic'),
        register(300.3, 'Transaction.End')
      ]
    }
  ]
  const payload = {
    eventType: 'Ended',
    timestamp,
    triggerReason: 'EVDeparted',
    seqNo: 4,
    offline: true,
    evse: { id: 2 },
    transactionInfo: { transactionId: 't', stoppedReason: 'EVDisconnected', chargingState: 'EVConnected' },
    meterValue
  }
  const { events, step } = handle('2.1', 'TransactionEvent', payload, {
    transaction: { transactionId: 't', orphaned: false }
  })
  const [ended] = events
  ok(ended?.type === 'transaction.ended')
  const { meterValues, ...rest } = ended.data
  strictEqual(meterValues?.[0]?.samples.length, 7)
  deepStrictEqual(rest, {
    transactionId: 't',
    evse: { id: 2 },
    meterStartWh: 300,
    meterStopWh: 300.3,
    // Not 0.30000000000001137.
    energyWh: 0.3,
    reason: 'ev_disconnected',
    rawReason: 'EVDisconnected',
    deviceTime,
    trigger: 'ev_departed',
    rawTrigger: 'EVDeparted',
    chargingState: 'ev_connected',
    rawChargingState: 'EVConnected',
    seqNo: 4,
    offline: true
  })
  deepStrictEqual(step, {
    kind: 'end',
    transactionId: 't',
    seqNo: 4,
    evse: { id: 2 },
    meterStartWh: 300,
    deviceTime
  })
})

test('energy is absent without both registers', () => {
  const payload = {
    eventType: 'Ended',
    timestamp,
    triggerReason: 'StopAuthorized',
    seqNo: 4,
    transactionInfo: { transactionId: 't' },
    meterValue: [{ timestamp, sampledValue: [register(700, 'Transaction.End')] }]
  }
  const { events } = handle('2.0.1', 'TransactionEvent', payload, {
    transaction: { transactionId: 't', orphaned: true }
  })
  strictEqual(events[0]?.type === 'transaction.ended' && events[0].data.meterStopWh, 700)
  strictEqual(events[0]?.data && 'energyWh' in events[0].data, false)
})

const started = {
  eventType: 'Started',
  timestamp,
  triggerReason: 'Authorized',
  seqNo: 0,
  transactionInfo: { transactionId: 't' },
  idToken: { idToken: 'A', type: 'Central' }
}

test('only a TransactionEvent with an id token asks, and only then is one decided about', () => {
  for (const version of versions) {
    const asking = handle(version, 'TransactionEvent', started, { decision: accepted })
    deepStrictEqual(asking.question, { kind: 'transaction', idToken: { value: 'A', type: 'Central' }, offline: false })
    deepStrictEqual(asking.answer, { idTokenInfo: { status: 'Accepted' } })
    const { idToken: _, ...silent } = started
    const mute = handle(version, 'TransactionEvent', silent)
    strictEqual(mute.question, undefined)
    deepStrictEqual(mute.answer, {})
    strictEqual(mute.events[0]?.data && 'authorization' in mute.events[0].data, false)
  }
})

test('the token of an end is who stopped it, not who started it', () => {
  const transaction = { transactionId: 't', orphaned: false, idToken: { value: 'A' } }
  const payload = { ...started, eventType: 'Ended', idToken: { idToken: 'B', type: 'Central' } }
  const { events, step } = handle('2.0.1', 'TransactionEvent', payload, { transaction, decision: accepted })
  ok(events[0]?.type === 'transaction.ended')
  deepStrictEqual(events[0].data.idToken, { value: 'A' })
  deepStrictEqual(events[0].data.stopIdToken, { value: 'B', type: 'Central' })
  strictEqual(step?.idToken, undefined)
})

// D11: what a transaction message lacks was filled with nothing by the validator.
test('a trigger and a token type that are missing are absent', () => {
  const payload = { ...started, triggerReason: '', idToken: { idToken: 'A', type: '' } }
  const { events } = handle('2.0.1', 'TransactionEvent', payload, { decision: accepted })
  ok(events[0]?.type === 'transaction.started')
  deepStrictEqual(events[0].data.idToken, { value: 'A' })
  strictEqual('trigger' in events[0].data || 'rawTrigger' in events[0].data, false)
})

test('a decision is said in the words of 2.x, with what else was decided', () => {
  const decision: Decision = {
    decidedBy: 'http',
    authorization: {
      status: 'not_at_this_location',
      expiresAt: '2026-12-01T00:00:00.000Z',
      parentIdToken: { value: 'GROUP', type: 'new in 2.2' }
    },
    response: { chargingPriority: 3 }
  }
  deepStrictEqual(handle('2.0.1', 'TransactionEvent', started, { decision }).answer, {
    idTokenInfo: {
      status: 'NotAtThisLocation',
      cacheExpiryDateTime: '2026-12-01T00:00:00.000Z',
      groupIdToken: { idToken: 'GROUP', type: 'Central' }
    },
    chargingPriority: 3
  })
})

test('without a decision nobody signs, nobody knows, and nothing is granted', () => {
  const answers = (version: (typeof versions)[number], action: string, payload: unknown) =>
    handle(version, action, payload).answer
  for (const version of versions) {
    deepStrictEqual(answers(version, 'SignCertificate', { csr: 'PEM' }), { status: 'Rejected' })
    deepStrictEqual(answers(version, 'DataTransfer', { vendorId: 'v' }), { status: 'UnknownVendorId' })
    const exi = { iso15118SchemaVersion: 's', action: 'Install', exiRequest: 'e' }
    deepStrictEqual(answers(version, 'Get15118EVCertificate', exi), { status: 'Failed', exiResponse: '' })
    const needs = { evseId: 1, chargingNeeds: { requestedEnergyTransfer: 'DC' } }
    deepStrictEqual(answers(version, 'NotifyEVChargingNeeds', needs), { status: 'Rejected' })
    const shown = { idToken: { idToken: 'A', type: 'eMAID' }, certificate: 'PEM' }
    deepStrictEqual(answers(version, 'Authorize', shown), {
      idTokenInfo: { status: 'Invalid' },
      certificateStatus: 'NoCertificateAvailable'
    })
  }
  deepStrictEqual(answers('2.1', 'PullDynamicScheduleUpdate', { chargingProfileId: 1 }), { status: 'Rejected' })
  deepStrictEqual(answers('2.1', 'VatNumberValidation', { vatNumber: 'DE1', evseId: 2 }), {
    vatNumber: 'DE1',
    status: 'Rejected',
    evseId: 2
  })
  const certificateHashData = { hashAlgorithm: 'SHA256', issuerNameHash: 'n', issuerKeyHash: 'k', serialNumber: 's' }
  const certificateStatusRequests = [{ certificateHashData, source: 'OCSP', urls: ['https://ocsp.example'] }]
  deepStrictEqual(answers('2.1', 'GetCertificateChainStatus', { certificateStatusRequests }), {
    certificateStatus: [{ certificateHashData, source: 'OCSP', status: 'Failed', nextUpdate: receivedAt }]
  })
})

test('what was decided takes the place of the default, and the event tells it', () => {
  const decision: Decision = { decidedBy: 'http', response: { status: 'Accepted' } }
  const { answer, events } = handle(
    '2.1',
    'SignCertificate',
    { csr: 'PEM', certificateType: 'V2GCertificate' },
    { decision }
  )
  deepStrictEqual(answer, { status: 'Accepted' })
  deepStrictEqual(events[0]?.data, {
    request: 'sign',
    csr: 'PEM',
    certificateType: 'v2g_certificate',
    rawCertificateType: 'V2GCertificate',
    answer: { status: 'accepted', rawStatus: 'Accepted', decidedBy: 'http' }
  })
})

test('values of a stream, a SEND, are events too', () => {
  const payload = { id: 3, pending: 1, basetime: timestamp, data: [{ t: 0.5, v: '7' }] }
  deepStrictEqual(handle('2.1', 'NotifyPeriodicEventStream', payload).events, [
    {
      type: 'monitoring.stream_values',
      data: { streamId: 3, pending: 1, baseTime: deviceTime, values: [{ offsetS: 0.5, value: '7' }] }
    }
  ])
})
