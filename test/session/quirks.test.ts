import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { codeOf, Rig, v16Meter, v16Start, v16Status, v16Stop, v201Event } from './support.ts'

// What real charge points do and a session bears; test/quirks.test.ts lists which test proves which of them.

test('quirk 17: a transaction message with a too long or numeric id is accepted, its id echoed, also when strict', () => {
  const rig = new Rig({ settings: { leniency: 'strict' } })
  const long = 'x'.repeat(40)
  deepStrictEqual(rig.call(long, 'StartTransaction', v16Start)?.slice(0, 2), [3, long])
  deepStrictEqual(rig.call(7, 'StopTransaction', v16Stop(1000))?.slice(0, 2), [3, 7])
  strictEqual(rig.eventsOf('transaction.ended').length, 1)
})

test('quirk 20: a transaction message that is retried under a new id is the same fact', () => {
  const rig = new Rig()
  const first = rig.call('1', 'StartTransaction', v16Start)
  const again = rig.call('2', 'StartTransaction', v16Start)
  deepStrictEqual(again?.[2], first?.[2])
  const [one, two] = rig.eventsOf('transaction.started')
  ok(one && two)
  strictEqual((two.data as { duplicateOf?: string }).duplicateOf, one.id)
})

test('quirk 22: a station that talks instead of answering us is answered, and its answer still counts', () => {
  const rig = new Rig()
  rig.enqueue('c-1')
  const call = rig.sent.at(-1)
  for (let n = 0; n < 20; n += 1) strictEqual(rig.call(`s-${n}`, 'StatusNotification', v16Status)?.[0], 3)
  rig.result(call?.[1], { status: 'Accepted' })
  deepStrictEqual(
    rig.settled.map(({ commandId, outcome }) => [commandId, outcome.outcome]),
    [['c-1', 'accepted']]
  )
})

test('quirk 23: no time that a station writes is a reason to refuse its transaction', () => {
  const times = [
    '2026-11-23T10:00:00',
    '2026-11-23T10:00:00+03',
    '1970-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '2099-01-01T00:00:00Z',
    'yesterday'
  ]
  for (const timestamp of times) {
    const rig = new Rig()
    strictEqual(rig.call('1', 'StartTransaction', { ...v16Start, timestamp })?.[0], 3, timestamp)
    const { data } = rig.event('transaction.started')
    ok(JSON.stringify(data).includes(timestamp), `${timestamp} is kept as it came: ${JSON.stringify(data)}`)
  }
})

test('quirk 26: a unit and a context outside the lists are passed on, flagged', () => {
  const rig = new Rig()
  const sampledValue = [{ value: '50', unit: 'Hz', measurand: 'Frequency', context: 'Odd.Context' }]
  const answer = rig.call('1', 'MeterValues', {
    ...v16Meter(),
    meterValue: [{ timestamp: '2026-11-23T10:00:00Z', sampledValue }]
  })
  strictEqual(answer?.[0], 3)
  const { data } = rig.event('meter.values')
  const told = JSON.stringify(data)
  ok(told.includes('Hz') && /odd/i.test(told), told)
  ok((data.flags as readonly string[] | undefined)?.length, 'the event says that something was forgiven')
})

test('quirk 27: an empty sampledValue, a long serial and unknown members are no reason to refuse', () => {
  const rig = new Rig({ registration: null })
  const boot = { chargePointVendor: 'V', chargePointModel: 'M', chargePointSerialNumber: 'S'.repeat(60), colour: 'red' }
  strictEqual(rig.call('1', 'BootNotification', boot)?.[0], 3)
  ok((rig.event('charge_point.booted').data.flags as readonly string[] | undefined)?.length)
  const empty = { connectorId: 1, meterValue: [{ timestamp: '2026-11-23T10:00:00Z', sampledValue: [] }] }
  strictEqual(rig.call('2', 'MeterValues', empty)?.[0], 3)
  // The schemas of 2.x want a sample, that of 1.6 does not.
  const v201 = new Rig({ version: '2.0.1' })
  const meterValue = [{ timestamp: '2026-11-23T10:00:00Z', sampledValue: [] }]
  strictEqual(v201.call('1', 'TransactionEvent', v201Event('Started', 0, { meterValue }))?.[0], 3)
  ok((v201.event('transaction.started').data.flags as readonly string[] | undefined)?.length)
})

test('quirk 28: a station that comes back without a BootNotification is served at once', () => {
  const rig = new Rig({ registration: 'accepted', epoch: 9 })
  strictEqual(rig.call('1', 'StatusNotification', v16Status)?.[0], 3)
  deepStrictEqual(
    rig.sent.filter(([type]) => type === 2),
    []
  )
})

test('quirk 30: a queue of days with transactions that nobody knows is taken whole, orphans flagged', () => {
  const rig = new Rig()
  for (const id of [0, -1, 4711]) {
    const stop = v16Stop(id, { timestamp: '2026-11-19T10:00:00Z' })
    strictEqual(rig.call(`s${id}`, 'StopTransaction', stop)?.[0], 3)
  }
  for (const { data } of rig.eventsOf('transaction.ended'))
    ok((data as { flags?: readonly string[] }).flags?.includes('orphaned'), JSON.stringify(data))
  strictEqual(rig.eventsOf('transaction.ended').length, 3)
})

test('quirk 32: commands of a connection die with it, so that a flapping station meets no burst of them', () => {
  const first = new Rig()
  for (let n = 0; n < 5; n += 1) first.enqueue(`c-${n}`)
  first.close()
  strictEqual(first.settled.length, 5)
  const second = new Rig({ epoch: 8 })
  deepStrictEqual(second.sent, [])
})

test('quirk 33: a burst of messages after an outage is answered whole, in order', () => {
  const rig = new Rig()
  const ids = Array.from({ length: 1000 }, (_, n) => `m-${n}`)
  for (const id of ids) rig.call(id, 'MeterValues', v16Meter())
  deepStrictEqual(
    rig.sent.map(([type, id]) => [type, id]),
    ids.map((id) => [3, id])
  )
  strictEqual(rig.closed, undefined)
})

test('quirk 34: an id tag of more than 20 characters starts a transaction, flagged', () => {
  const rig = new Rig()
  const idTag = 'T'.repeat(36)
  strictEqual(rig.call('1', 'StartTransaction', { ...v16Start, idTag })?.[0], 3)
  const { data } = rig.event('transaction.started')
  deepStrictEqual((data.idToken as { value: string }).value, idTag)
  ok((data.flags as readonly string[] | undefined)?.length)
})

test('quirk 36: a report of half a megabyte is a report', () => {
  const rig = new Rig({ version: '2.0.1' })
  const reportData = Array.from({ length: 3000 }, (_, n) => ({
    component: { name: `Component${n}` },
    variable: { name: 'Variable' },
    variableAttribute: [{ type: 'Actual', value: 'x'.repeat(50) }]
  }))
  const report = { requestId: 1, generatedAt: '2026-11-23T10:00:00Z', seqNo: 0, reportData }
  strictEqual(codeOf(rig.call('1', 'NotifyReport', report)), undefined)
  ok(rig.eventsOf('report.received').length > 0)
  strictEqual(rig.call('2', 'TransactionEvent', v201Event('Started', 0))?.[0], 3)
})
