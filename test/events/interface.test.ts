import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { makeEvent } from '../../src/events/envelope.ts'
import { accepted, handle, receivedAt } from './support.ts'

// The shapes that the documentation promises, to the letter.

test('a 1.6 StartTransaction is the documented event, member for member', () => {
  const payload = { connectorId: 2, idTag: '04e8A1B2', meterStart: 1200, timestamp: '2026-11-23T09:59:59' }
  const transaction = { transactionId: '435182401', startKey: 'b7c1', orphaned: false }
  const { drafts } = handle('1.6', 'StartTransaction', payload, { decision: accepted, transaction })
  const [draft] = drafts
  const event =
    draft &&
    makeEvent(draft, {
      id: '019ab3c4-7c1e-7f00-8a3b-3f2f6f0d9a10',
      chargePointId: 'CP-001',
      time: receivedAt,
      node: 'gw-0',
      ocppversion: '1.6',
      ocppaction: 'StartTransaction',
      ocppmessageid: '19223201',
      position: { epoch: 217591200, n: 3 }
    })
  const documented = {
    specversion: '1.0',
    id: '019ab3c4-7c1e-7f00-8a3b-3f2f6f0d9a10',
    source: '/charge-points/CP-001',
    type: 'transaction.started',
    subject: 'CP-001',
    partitionkey: 'CP-001',
    time: '2026-11-23T10:00:00.123Z',
    datacontenttype: 'application/json',
    node: 'gw-0',
    ocppversion: '1.6',
    ocppaction: 'StartTransaction',
    ocppmessageid: '19223201',
    epoch: 217591200,
    sequence: '0217591200-0000000003',
    data: {
      transactionId: '435182401',
      startKey: 'b7c1',
      evse: { id: 2, connectorId: 1 },
      idToken: { value: '04e8A1B2' },
      meterStartWh: 1200,
      deviceTime: { raw: '2026-11-23T09:59:59', utc: '2026-11-23T09:59:59.000Z', skewMs: -1123 },
      authorization: { status: 'accepted', decidedBy: 'local' },
      flags: ['deviceTime.noZone'],
      raw: payload
    }
  }
  // As text, because the order of the members is documented too.
  strictEqual(JSON.stringify(event, undefined, 1), JSON.stringify(documented, undefined, 1))
})

test('dataschema and correlationid are named where the documentation has them', () => {
  const event = makeEvent(
    { type: 'charge_point.disconnected', data: { reason: 'node_lost' } },
    {
      id: 'e-1',
      chargePointId: 'CP 1|ä',
      time: receivedAt,
      node: 'gw-0',
      schemaBaseUrl: 'https://gw.example/v1/schemas/',
      ocppmessageid: 17,
      correlationid: 'c-1'
    }
  )
  deepStrictEqual(event, {
    specversion: '1.0',
    id: 'e-1',
    source: '/charge-points/CP%201%7C%C3%A4',
    type: 'charge_point.disconnected',
    subject: 'CP 1|ä',
    partitionkey: 'CP 1|ä',
    time: receivedAt,
    datacontenttype: 'application/json',
    dataschema: 'https://gw.example/v1/schemas/charge_point.disconnected',
    node: 'gw-0',
    ocppmessageid: '17',
    correlationid: 'c-1',
    data: { reason: 'node_lost' }
  })
})

test('a 1.6 StatusNotification of connector 0 is the charge point itself', () => {
  const payload = { connectorId: 0, status: 'Faulted', errorCode: 'GroundFailure', vendorErrorCode: 'E17' }
  deepStrictEqual(handle('1.6', 'StatusNotification', payload).events, [
    {
      type: 'charge_point.status_changed',
      data: {
        evse: { id: 0 },
        status: 'faulted',
        rawStatus: 'Faulted',
        error: { code: 'GroundFailure', vendorErrorCode: 'E17' }
      }
    }
  ])
})

test('1.6 MeterValues of a running transaction is an update of it, converted with the original beside', () => {
  const sampledValue = [
    { value: '16.1', unit: 'kWh', measurand: 'Energy.Active.Import.Register', context: 'Sample.Periodic' }
  ]
  const timestamp = '2026-11-23T10:00:00Z'
  const payload = { connectorId: 1, transactionId: 7, meterValue: [{ timestamp, sampledValue }] }
  const { events, step } = handle('1.6', 'MeterValues', payload)
  deepStrictEqual(step, { kind: 'update', transactionId: '7', evse: { id: 1, connectorId: 1 } })
  strictEqual(
    JSON.stringify(events),
    JSON.stringify([
      {
        type: 'transaction.updated',
        data: {
          transactionId: '7',
          evse: { id: 1, connectorId: 1 },
          trigger: 'meter_value',
          meterValues: [
            {
              deviceTime: { raw: timestamp, utc: '2026-11-23T10:00:00.000Z', skewMs: -123 },
              samples: [
                {
                  measurand: 'Energy.Active.Import.Register',
                  value: 16100,
                  unit: 'Wh',
                  context: 'Sample.Periodic',
                  location: 'Outlet',
                  format: 'Raw',
                  defaulted: ['location', 'format'],
                  rawValue: '16.1',
                  rawUnit: 'kWh'
                }
              ]
            }
          ]
        }
      }
    ])
  )
})

test('the end of a 1.6 transaction names what only its start told', () => {
  const startedAt = { raw: '2026-11-23T09:00:00Z', utc: '2026-11-23T09:00:00.000Z', skewMs: 0 }
  const transaction = {
    transactionId: '435182401',
    orphaned: false,
    evse: { id: 2, connectorId: 1 },
    idToken: { value: 'A' },
    startedAt,
    meterStartWh: 1200
  }
  const payload = { transactionId: 435182401, meterStop: 16100, timestamp: '2026-11-23T10:00:00Z', reason: 'Local' }
  strictEqual(
    JSON.stringify(handle('1.6', 'StopTransaction', payload, { transaction }).events),
    JSON.stringify([
      {
        type: 'transaction.ended',
        data: {
          transactionId: '435182401',
          evse: { id: 2, connectorId: 1 },
          idToken: { value: 'A' },
          startedAt,
          meterStartWh: 1200,
          meterStopWh: 16100,
          energyWh: 14900,
          reason: 'local',
          rawReason: 'Local',
          deviceTime: { raw: '2026-11-23T10:00:00Z', utc: '2026-11-23T10:00:00.000Z', skewMs: -123 },
          enriched: ['evse', 'idToken', 'startedAt', 'meterStartWh', 'energyWh']
        }
      }
    ])
  )
})
