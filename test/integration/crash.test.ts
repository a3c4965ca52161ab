import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { GatewayEvent } from '../../src/events/envelope.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { type Answer, Station } from '../support/station.ts'
import { assertValidEvent } from '../support/valid-event.ts'

// Promise 1 against kill -9: what was answered is in the log, exactly once, whatever the moment.

const connections = 200
const kills = 10

/** What a station was answered, by message id; ids are unique over the whole test. */
type Answered = Set<string>

/** Talks until the socket dies: durable CALLs only, each with an id that names the station, the life and a counter. */
async function hammer(url: string, index: number, life: number, answered: Answered): Promise<void> {
  const id = `CRASH-${index}`
  const station = await Station.connect({ url, id }).catch(() => undefined)
  if (!station) return
  try {
    let transactionId: number | undefined
    for (let n = 0; ; n++) {
      const messageId = `${id}:${life}:${n}`
      const [action, payload] = next(n, index, transactionId)
      const answer: Answer = await station.call(action, payload, messageId)
      ok(answer.ok, `${action} was answered with ${JSON.stringify(answer)}`)
      answered.add(messageId)
      if (action === 'StartTransaction') transactionId = Number(answer.payload.transactionId)
    }
  } catch (error) {
    // The gateway died under us; anything else is a failure of the test.
    if (!(error instanceof Error && /closed with|not opened|WebSocket is not open/.test(error.message))) throw error
  }
}

function next(n: number, index: number, transactionId: number | undefined): readonly [string, unknown] {
  const timestamp = new Date(Date.UTC(2026, 10, 23) + n * 1000 + index).toISOString()
  if (n === 0) return ['BootNotification', { chargePointVendor: 'V', chargePointModel: 'M' }]
  if (n % 10 === 1)
    return ['StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Charging', timestamp }]
  if (n % 10 === 2) return ['StartTransaction', { connectorId: 1, idTag: 'TAG', meterStart: n, timestamp }]
  if (n % 10 === 9 && transactionId !== undefined)
    return ['StopTransaction', { transactionId, meterStop: n + 100, timestamp }]
  return [
    'MeterValues',
    {
      connectorId: 1,
      ...(transactionId === undefined ? {} : { transactionId }),
      meterValue: [
        { timestamp, sampledValue: [{ value: String(n), measurand: 'Energy.Active.Import.Register', unit: 'Wh' }] }
      ]
    }
  ]
}

test('every answered CALL has exactly one set of events after ten kill -9, sequences are gapless and nothing is there twice', async () => {
  const gateway = new GatewayProcess(['--log.level', 'error'])
  const answered: Answered = new Set()
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
  const byMessage = new Map<string, number>()
  const sequences = new Map<string, number>()
  const open = new Map<string, { connected: number; disconnected: number }>()
  for (const event of events) {
    assertValidEvent(event)
    const { subject, epoch, sequence, ocppmessageid, type } = event
    if (ocppmessageid !== undefined) byMessage.set(ocppmessageid, (byMessage.get(ocppmessageid) ?? 0) + 1)
    const key = `${subject} ${epoch}`
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
  const wrong = [...answered].filter((messageId) => byMessage.get(messageId) !== 1)
  deepStrictEqual(
    wrong.slice(0, 5),
    [],
    `${wrong.length} of ${answered.size} answered CALLs do not have exactly one event`
  )
  for (const [key, ends] of open)
    deepStrictEqual(ends, { connected: 1, disconnected: 1 }, `${key} has both of its ends once`)
}
