import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { GatewayEvent } from '../../src/events/envelope.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { type Answer, Station } from '../support/station.ts'

// Promise 1 against kill -9: what was answered is in the log, exactly once, whatever the moment.

const connections = 200
const kills = 10

/** What was answered: by station, life and message id, the type of the event that must be there for it. */
type Answered = Map<string, string>

interface Said {
  readonly action: string
  readonly payload: unknown
  readonly type: string
}

/** A third of the stations speak 2.0.1. */
function isV2(index: number): boolean {
  return index % 3 === 2
}

/**
 * Talks until the socket dies: durable CALLs only. Message ids begin anew with every connection, as those of stations do,
 * so that only the epoch tells them apart; the serial number of the boot says which life an epoch belongs to.
 */
async function hammer(url: string, index: number, life: number, answered: Answered): Promise<void> {
  const id = `CRASH-${index}`
  const subprotocol = isV2(index) ? 'ocpp2.0.1' : 'ocpp1.6'
  const station = await Station.connect({ url, id, subprotocol }).catch(() => undefined)
  if (!station) return
  try {
    let transactionId: number | undefined
    for (let n = 0; ; n++) {
      const { action, payload, type } = isV2(index) ? nextV2(n, index, life) : next(n, index, life, transactionId)
      const answer: Answer = await station.call(action, payload, String(n))
      ok(answer.ok, `${action} was answered with ${JSON.stringify(answer)}`)
      answered.set(`${id} ${life} ${n}`, type)
      if (action === 'StartTransaction') transactionId = Number(answer.payload.transactionId)
    }
  } catch (error) {
    // The gateway died under us; anything else is a failure of the test.
    if (!(error instanceof Error && /closed with|not opened|WebSocket is not open/.test(error.message))) throw error
  }
}

function timeOf(n: number, index: number): string {
  return new Date(Date.UTC(2026, 10, 23) + n * 1000 + index).toISOString()
}

function next(n: number, index: number, life: number, transactionId: number | undefined): Said {
  const timestamp = timeOf(n, index)
  if (n === 0)
    return {
      action: 'BootNotification',
      payload: { chargePointVendor: 'V', chargePointModel: 'M', chargePointSerialNumber: `life-${life}` },
      type: 'charge_point.booted'
    }
  if (n % 10 === 1)
    return {
      action: 'StatusNotification',
      payload: { connectorId: 1, errorCode: 'NoError', status: 'Charging', timestamp },
      type: 'connector.status_changed'
    }
  if (n % 10 === 2)
    return {
      action: 'StartTransaction',
      payload: { connectorId: 1, idTag: 'TAG', meterStart: n, timestamp },
      type: 'transaction.started'
    }
  if (n % 10 === 9 && transactionId !== undefined)
    return {
      action: 'StopTransaction',
      payload: { transactionId, meterStop: n + 100, timestamp },
      type: 'transaction.ended'
    }
  const sampledValue = [{ value: String(n), measurand: 'Energy.Active.Import.Register', unit: 'Wh' }]
  const meterValue = [{ timestamp, sampledValue }]
  return transactionId === undefined
    ? { action: 'MeterValues', payload: { connectorId: 1, meterValue }, type: 'meter.values' }
    : { action: 'MeterValues', payload: { connectorId: 1, transactionId, meterValue }, type: 'transaction.updated' }
}

function nextV2(n: number, index: number, life: number): Said {
  const timestamp = timeOf(n, index)
  if (n === 0)
    return {
      action: 'BootNotification',
      payload: {
        reason: 'PowerUp',
        chargingStation: { vendorName: 'V', model: 'M', serialNumber: `life-${life}` }
      },
      type: 'charge_point.booted'
    }
  const step = n % 10
  if (step === 1)
    return {
      action: 'StatusNotification',
      payload: { timestamp, connectorStatus: 'Occupied', evseId: 1, connectorId: 1 },
      type: 'connector.status_changed'
    }
  const register = { value: n, measurand: 'Energy.Active.Import.Register', unitOfMeasure: { unit: 'Wh' } }
  const meterValue = [{ timestamp, sampledValue: [register] }]
  if (step === 0) return { action: 'MeterValues', payload: { evseId: 1, meterValue }, type: 'meter.values' }
  const [eventType, triggerReason, type] =
    step === 2
      ? ['Started', 'CablePluggedIn', 'transaction.started']
      : step === 9
        ? ['Ended', 'StopAuthorized', 'transaction.ended']
        : ['Updated', 'MeterValuePeriodic', 'transaction.updated']
  const transactionInfo = { transactionId: `tx-${life}-${Math.floor(n / 10)}` }
  return {
    action: 'TransactionEvent',
    payload: {
      eventType,
      triggerReason,
      timestamp,
      seqNo: step - 2,
      transactionInfo,
      evse: { id: 1, connectorId: 1 },
      meterValue
    },
    type
  }
}

test('every answered CALL has exactly one set of events after ten kill -9, sequences are gapless and nothing is there twice', async () => {
  const gateway = new GatewayProcess(['--log.level', 'error'])
  const answered: Answered = new Map()
  try {
    for (let life = 0; life < kills; life++) {
      await gateway.start()
      const talk = Array.from({ length: connections }, (_, index) => hammer(gateway.url, index, life, answered))
      await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 1200))
      strictEqual(await gateway.end('SIGKILL'), 'SIGKILL')
      await Promise.all(talk)
    }
    await gateway.start()
    check(await gateway.events(), answered)
    strictEqual(await gateway.end('SIGTERM'), 0)
  } finally {
    await gateway.remove()
  }
})

function check(events: readonly GatewayEvent[], answered: Answered): void {
  const ids = new Set(events.map(({ id }) => id))
  strictEqual(ids.size, events.length, 'no event is in the log twice')
  const byMessage = new Map<string, string[]>()
  const epochs = new Map<string, string>()
  const sequences = new Map<string, number>()
  const open = new Map<string, { connected: number; disconnected: number }>()
  for (const { subject, epoch, sequence, ocppmessageid, type, data } of events) {
    const key = `${subject} ${epoch}`
    if (ocppmessageid !== undefined) {
      const message = `${key} ${ocppmessageid}`
      byMessage.set(message, [...(byMessage.get(message) ?? []), type])
    }
    if (type === 'charge_point.booted' && 'serialNumber' in data)
      epochs.set(`${subject} ${String(data.serialNumber).slice('life-'.length)}`, key)
    if (sequence !== undefined) {
      const n = Number(sequence.slice(11))
      strictEqual(n, (sequences.get(key) ?? 0) + 1, `the sequence of ${key} has no gap`)
      sequences.set(key, n)
    }
    const ends = open.get(key) ?? { connected: 0, disconnected: 0 }
    if (type === 'charge_point.connected') ends.connected++
    if (type === 'charge_point.disconnected') ends.disconnected++
    open.set(key, ends)
  }
  ok(answered.size > 1000, `${answered.size} CALLs were answered`)
  for (const type of ['transaction.started', 'transaction.updated', 'transaction.ended'])
    ok([...answered.values()].includes(type), `a ${type} was answered`)
  const wrong = [...answered].flatMap(([said, type]) => {
    const [id, life, messageId] = said.split(' ')
    const found = byMessage.get(`${epochs.get(`${id} ${life}`)} ${messageId}`) ?? []
    return found.length === 1 && found[0] === type ? [] : [{ said, type, found }]
  })
  deepStrictEqual(
    wrong.slice(0, 5),
    [],
    `${wrong.length} of ${answered.size} answered CALLs do not have exactly their event`
  )
  for (const [key, ends] of open)
    deepStrictEqual(ends, { connected: 1, disconnected: 1 }, `${key} has both of its ends once`)
}
