import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { after, before, test } from 'node:test'
import { createValidator, RPCClient } from 'ocpp-rpc'
import v21Schemas from 'ocpp-rpc/lib/schemas/ocpp2_1.json' with { type: 'json' }
import type { GatewayEvent } from '../../src/events/envelope.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { assertValidEvent } from '../support/valid-event.ts'

// A client library that we did not write, in its strict mode: it refuses what its own schemas do not allow.

const gateway = new GatewayProcess()
before(() => gateway.start())
after(() => gateway.remove())

type Options = ConstructorParameters<typeof RPCClient>[0]
type Reply = Record<string, unknown>

/** The library looks for `urn:X.req`, but its own 2.1 schemas are called `urn:XRequest`; its strict mode needs this. */
const v21Validator = createValidator(
  'ocpp2.1',
  v21Schemas.map((schema) => ({
    // They also say `additionalProperties` of strings, which its Ajv would remark on, again and again.
    ...JSON.parse(JSON.stringify(schema).replaceAll('"type":"string","additionalProperties":false', '"type":"string"')),
    $id: schema.$id.replace(/Request$/, '.req').replace(/Response$/, '.conf')
  }))
)

/** The library's types want every option; its code has defaults for them. */
async function connect(identity: string, protocol: string) {
  const options = {
    endpoint: gateway.url,
    identity,
    protocols: [protocol],
    strictMode: true,
    strictModeValidators: [v21Validator],
    reconnect: false
  }
  const client = new RPCClient(options as unknown as Options)
  client.handle('Reset', async () => ({ status: 'Accepted' }))
  await client.connect()
  strictEqual(client.protocol, protocol)
  return {
    call: (action: string, payload: unknown) => client.call(action, payload) as Promise<Reply>,
    sendRaw: (text: string) => client.sendRaw(text),
    close: () => client.close()
  }
}

async function eventsOf(identity: string): Promise<GatewayEvent[]> {
  const events = await gateway.events(`&chargePointId=${encodeURIComponent(identity)}`)
  for (const event of events) assertValidEvent(event)
  return events
}

/** The member `path` of an event's data, for assertions on facts that each version tells. */
function dataOf(events: readonly GatewayEvent[], type: string): Record<string, unknown> {
  const event = events.find((other) => other.type === type)
  ok(event, `an event ${type}`)
  return event.data as unknown as Record<string, unknown>
}

const at = (second: number) => `2026-11-23T10:00:${String(second).padStart(2, '0')}.000Z`

test('a whole OCPP 1.6 session of a foreign client comes out as events', async () => {
  const id = 'RDAM 123'
  const client = await connect(id, 'ocpp1.6')
  const boot = await client.call('BootNotification', {
    chargePointVendor: 'V',
    chargePointModel: 'M',
    chargePointSerialNumber: 'S-1'
  })
  strictEqual(boot.status, 'Accepted')
  match(String(boot.currentTime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  match(String((await client.call('Heartbeat', {})).currentTime), /Z$/)
  await client.call('StatusNotification', { connectorId: 0, errorCode: 'NoError', status: 'Available' })
  await client.call('StatusNotification', { connectorId: 2, errorCode: 'NoError', status: 'Preparing' })
  const authorized = await client.call('Authorize', { idTag: '04e8A1B2' })
  deepStrictEqual((authorized.idTagInfo as { status: string }).status, 'Accepted')
  const started = await client.call('StartTransaction', {
    connectorId: 2,
    idTag: '04e8A1B2',
    meterStart: 1200,
    timestamp: at(1)
  })
  const transactionId = Number(started.transactionId)
  ok(transactionId > 0 && transactionId < 2 ** 31)
  const sampledValue = [
    { value: '16.1', unit: 'kWh', measurand: 'Energy.Active.Import.Register', context: 'Sample.Periodic' }
  ]
  await client.call('MeterValues', { connectorId: 2, transactionId, meterValue: [{ timestamp: at(2), sampledValue }] })
  await client.call('StopTransaction', {
    transactionId,
    idTag: '04e8A1B2',
    meterStop: 17_300,
    timestamp: at(3),
    reason: 'Local'
  })
  await client.call('StatusNotification', { connectorId: 2, errorCode: 'NoError', status: 'Available' })
  await client.close()

  const events = await eventsOf(id)
  deepStrictEqual(
    events.map(({ type }) => type),
    [
      'charge_point.connected',
      'charge_point.booted',
      'charge_point.status_changed',
      'connector.status_changed',
      'authorization.decided',
      'transaction.started',
      'transaction.updated',
      'transaction.ended',
      'connector.status_changed',
      'charge_point.disconnected'
    ]
  )
  deepStrictEqual(
    events.map(({ sequence }) => Number(sequence?.slice(11))),
    events.map((_, index) => index + 1)
  )
  const ended = dataOf(events, 'transaction.ended')
  strictEqual(ended.transactionId, String(transactionId))
  strictEqual(ended.energyWh, 16_100)
  deepStrictEqual(ended.evse, { id: 2, connectorId: 1 })
  deepStrictEqual(ended.idToken, { value: '04e8A1B2' })
})

for (const [protocol, idToken] of [
  ['ocpp2.0.1', { idToken: '04e8A1B2', type: 'ISO14443' }],
  ['ocpp2.1', { idToken: '04e8A1B2', type: 'ISO14443' }]
] as const) {
  test(`a whole ${protocol} session of a foreign client comes out as the same events`, async () => {
    const id = `STATION|${protocol}`
    const client = await connect(id, protocol)
    const boot = await client.call('BootNotification', {
      reason: 'PowerUp',
      chargingStation: { vendorName: 'V', model: 'M', serialNumber: 'S-2' }
    })
    strictEqual(boot.status, 'Accepted')
    await client.call('StatusNotification', {
      timestamp: at(0),
      connectorStatus: 'Available',
      evseId: 2,
      connectorId: 1
    })
    const authorized = await client.call('Authorize', { idToken })
    strictEqual((authorized.idTokenInfo as { status: string }).status, 'Accepted')
    const evse = { id: 2, connectorId: 1 }
    const transactionInfo = { transactionId: 'tx-1' }
    const register = (value: number, context: string, second: number) => ({
      timestamp: at(second),
      sampledValue: [{ value, context, measurand: 'Energy.Active.Import.Register', unitOfMeasure: { unit: 'Wh' } }]
    })
    await client.call('TransactionEvent', {
      eventType: 'Started',
      timestamp: at(1),
      triggerReason: 'Authorized',
      seqNo: 0,
      transactionInfo: { ...transactionInfo, chargingState: 'Charging' },
      evse,
      idToken,
      meterValue: [register(1200, 'Transaction.Begin', 1)]
    })
    await client.call('TransactionEvent', {
      eventType: 'Updated',
      timestamp: at(2),
      triggerReason: 'MeterValuePeriodic',
      seqNo: 1,
      transactionInfo,
      meterValue: [register(9000, 'Sample.Periodic', 2)]
    })
    await client.call('TransactionEvent', {
      eventType: 'Ended',
      timestamp: at(3),
      triggerReason: 'StopAuthorized',
      seqNo: 2,
      transactionInfo: { ...transactionInfo, stoppedReason: 'Local' },
      meterValue: [register(17_300, 'Transaction.End', 3)]
    })
    if (protocol === 'ocpp2.1') {
      await client.call('OpenPeriodicEventStream', {
        constantStreamData: { id: 1, params: { interval: 5, values: 10 }, variableMonitoringId: 7 }
      })
      client.sendRaw(
        JSON.stringify([
          6,
          'stream-1',
          'NotifyPeriodicEventStream',
          { id: 1, pending: 0, basetime: at(4), data: [{ t: 1, v: '42.5' }] }
        ])
      )
      // The SEND is not answered; a durable CALL behind it is, and by then the SEND's event is on disk too.
      await client.call('StatusNotification', {
        timestamp: at(5),
        connectorStatus: 'Available',
        evseId: 2,
        connectorId: 1
      })
    }
    await client.close()

    const events = await eventsOf(id)
    const types = events.map(({ type }) => type)
    for (const type of [
      'charge_point.booted',
      'connector.status_changed',
      'authorization.decided',
      'transaction.started',
      'transaction.updated',
      'transaction.ended'
    ]) {
      ok(types.includes(type as (typeof types)[number]), `${type} in ${types.join(' ')}`)
    }
    if (protocol === 'ocpp2.1') ok(events.some(({ ocppaction }) => ocppaction === 'NotifyPeriodicEventStream'))
    const ended = dataOf(events, 'transaction.ended')
    strictEqual(ended.transactionId, 'tx-1')
    strictEqual(ended.energyWh, 16_100)
    strictEqual(ended.reason, 'local')
    deepStrictEqual(ended.evse, evse)
    deepStrictEqual((ended.idToken as { value: string }).value, '04e8A1B2')
  })
}

test('a raw command reaches a foreign client and its answer comes back as the outcome', async () => {
  const client = await connect('FOREIGN-CMD', 'ocpp1.6')
  await client.call('BootNotification', { chargePointVendor: 'V', chargePointModel: 'M' })
  const { status, body } = await gateway.post(
    '/v1/charge-points/FOREIGN-CMD/commands',
    { id: 'foreign-1', type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Soft' } } },
    { prefer: 'wait=10' }
  )
  strictEqual(status, 200)
  strictEqual(
    (body as { outcome?: { outcome: string } }).outcome?.outcome ?? (body as { outcome: unknown }).outcome,
    'accepted'
  )
  await client.close()
  const outcomes = (await eventsOf('FOREIGN-CMD')).filter(({ type }) => type === 'command.outcome')
  strictEqual(outcomes.length, 1)
  strictEqual(outcomes[0]?.correlationid, 'foreign-1')
})
