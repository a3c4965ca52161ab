import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { ocppVersions } from '../../src/protocol/version.ts'
import { codeOf, Rig, v16Boot, v16Meter, v16Start, v16Status, v16Stop, v201Status } from './support.ts'

test('a Heartbeat is answered in the same tick, with the time in UTC, and makes no event', () => {
  for (const version of ocppVersions) {
    const rig = new Rig({ version })
    deepStrictEqual(rig.call('h', 'Heartbeat', {}), [3, 'h', { currentTime: '2026-11-23T10:00:00.000Z' }])
    deepStrictEqual(
      rig.events.map((event) => event.type),
      ['charge_point.connected']
    )
  }
})

test('a durable CALL is answered only once its events are on disk', () => {
  const rig = new Rig({ manual: ['durable'] })
  strictEqual(rig.call('s', 'StatusNotification', v16Status), undefined)
  strictEqual(rig.session.unanswered, 1)
  const { ticket } = rig.last('publish')
  rig.take(rig.session.durable(ticket ?? -1, rig.nowMs))
  deepStrictEqual(rig.sent, [[3, 's', {}]])
  strictEqual(rig.session.unanswered, 0)
})

test('the time of an event is when its CALL was begun, not when it was decided', () => {
  const rig = new Rig({ manual: ['decide'] })
  rig.call('a', 'Authorize', { idTag: 'T' })
  rig.nowMs += 5000
  rig.take(rig.session.decided(rig.last('decide').ticket, rig.decision, rig.nowMs))
  strictEqual(rig.event('authorization.decided').time, '2026-11-23T10:00:00.000Z')
})

test('answers leave in the order of the CALLs, whichever becomes durable first', () => {
  const rig = new Rig({ manual: ['durable'] })
  rig.call('a', 'StatusNotification', v16Status)
  rig.call('b', 'MeterValues', v16Meter())
  rig.call('c', 'Heartbeat', {})
  rig.call('d', 'Nonsense', {})
  const [, first, second] = rig.all('publish')
  rig.take(rig.session.durable(second?.ticket ?? -1, rig.nowMs))
  strictEqual(rig.sent.length, 0)
  rig.take(rig.session.durable(first?.ticket ?? -1, rig.nowMs))
  deepStrictEqual(
    rig.sent.map((frame) => frame[1]),
    ['a', 'b', 'c', 'd']
  )
})

test('nothing behind an undecided CALL is begun, and everything is once it is decided', () => {
  const rig = new Rig({ manual: ['decide'] })
  rig.call('a', 'Authorize', { idTag: 'T' })
  rig.call('b', 'StatusNotification', v16Status)
  rig.call('c', 'Authorize', { idTag: 'U' })
  rig.call('d', 'Heartbeat', {})
  strictEqual(rig.session.unanswered, 4)
  strictEqual(rig.eventsOf('connector.status_changed').length, 0)
  rig.take(rig.session.decided(rig.last('decide').ticket, rig.decision, rig.nowMs))
  deepStrictEqual(
    rig.sent.map((frame) => frame[1]),
    ['a', 'b']
  )
  rig.take(rig.session.decided(rig.last('decide').ticket, rig.decision, rig.nowMs))
  deepStrictEqual(
    rig.sent.map((frame) => frame[1]),
    ['a', 'b', 'c', 'd']
  )
  strictEqual(rig.session.unanswered, 0)
})

test('tickets that nobody waits for are ignored', () => {
  const rig = new Rig({ manual: ['decide', 'durable', 'identify'] })
  rig.call('a', 'Authorize', { idTag: 'T' })
  const { ticket } = rig.last('decide')
  deepStrictEqual(rig.take(rig.session.decided(ticket + 1, rig.decision, rig.nowMs)), [])
  deepStrictEqual(rig.take(rig.session.identified(ticket, 5, rig.nowMs)), [])
  deepStrictEqual(rig.take(rig.session.durable(ticket, rig.nowMs)), [])
  rig.take(rig.session.decided(ticket, rig.decision, rig.nowMs))
  deepStrictEqual(rig.take(rig.session.decided(ticket, rig.decision, rig.nowMs)), [])
  strictEqual(rig.eventsOf('authorization.decided').length, 1)
})

test('an unknown action is NotImplemented, one of the other direction NotSupported, in any letter case', () => {
  for (const version of ocppVersions) {
    const rig = new Rig({ version })
    strictEqual(codeOf(rig.call('1', 'Nonsense', {})), 'NotImplemented')
    strictEqual(codeOf(rig.call('2', 'heartbeat', {})), 'NotImplemented')
    strictEqual(codeOf(rig.call('3', 'constructor', {})), 'NotImplemented')
    strictEqual(codeOf(rig.call('4', 'Reset', {})), 'NotSupported')
    strictEqual(rig.eventsOf('protocol.violation').length, 4)
  }
})

test('rule 42: the SEND action of 2.1 as a CALL is wrong, and is answered', () => {
  const rig = new Rig({ version: '2.1' })
  strictEqual(codeOf(rig.call('1', 'NotifyPeriodicEventStream', {})), 'NotSupported')
})

// C1: a gateway in Go took zero for a missing value: connector 0, meter start 0 and firmware status got no reply at all.
test('C1 zero is a value, and every CALL is answered', () => {
  const rig = new Rig()
  const zero = { ...v16Status, connectorId: 0 }
  deepStrictEqual(rig.call('1', 'StatusNotification', zero), [3, '1', {}])
  strictEqual(rig.call('2', 'StartTransaction', { ...v16Start, meterStart: 0 })?.[0], 3)
  deepStrictEqual(rig.call('3', 'StopTransaction', v16Stop(1000, { meterStop: 0 })), [3, '3', {}])
  deepStrictEqual(rig.call('4', 'FirmwareStatusNotification', { status: 'Idle' }), [3, '4', {}])
  strictEqual(rig.event('charge_point.status_changed').data.status, 'available')
  strictEqual(rig.event('transaction.started').data.meterStartWh, 0)
  strictEqual(rig.event('transaction.ended').data.energyWh, 0)
})

// C5: stations refuse times without Z or with microseconds.
test('C5 every time that the gateway answers has milliseconds and Z', () => {
  const rig = new Rig({ registration: null })
  const boot = rig.call('1', 'BootNotification', v16Boot)
  match(JSON.stringify(boot), /"currentTime":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/)
})

// C6: CitrineOS took one lock for both directions, so that MeterValues blocked a TriggerMessage for 30 seconds.
test('C6 the answer to a command settles it while a CALL waits for its decision', () => {
  const rig = new Rig({ manual: ['decide', 'durable'] })
  rig.enqueue('c-1', 'ClearCache')
  rig.call('a', 'Authorize', { idTag: 'T' })
  rig.result(rig.sent[0]?.[1], { status: 'Accepted' })
  deepStrictEqual(rig.settled[0], {
    kind: 'settle',
    commandId: 'c-1',
    outcome: { outcome: 'accepted', status: 'Accepted', response: { status: 'Accepted' } }
  })
  rig.enqueue('c-2', 'ClearCache')
  strictEqual(rig.sent.length, 2)
})

// C6: nor is the charge point held to one CALL at a time; ABB and others send several. (rule 48)
test('C6 several CALLs at once are each answered, in order', () => {
  const rig = new Rig({ manual: ['durable'] })
  for (const id of ['a', 'b', 'c']) rig.call(id, 'StatusNotification', v16Status)
  for (const { ticket } of rig.all('publish')) {
    if (ticket !== undefined) rig.take(rig.session.durable(ticket, rig.nowMs))
  }
  deepStrictEqual(
    rig.sent.map((frame) => frame[1]),
    ['a', 'b', 'c']
  )
})

// C7: 1.6 stations resent for ever when they were answered in the spelling of 2.x.
test('C7 each version spells its codes in its own way', () => {
  const bad = { connectorId: 1, status: 'Available' }
  const v16 = new Rig()
  strictEqual(codeOf(v16.call('1', 'StatusNotification', bad)), 'OccurenceConstraintViolation')
  const v201 = new Rig({ version: '2.0.1' })
  strictEqual(codeOf(v201.call('1', 'StatusNotification', { evseId: 1 })), 'OccurrenceConstraintViolation')
  strictEqual(codeOf(v201.call('2', 'StatusNotification', { ...v201Status, evseId: '1x' })), 'TypeConstraintViolation')
  strictEqual(codeOf(v201.call('3', 'StatusNotification', v201Status)), undefined)
})

test('D2 broken JSON is answered -1 RpcFrameworkError on 2.x and not at all on 1.6; both say so in an event', () => {
  const v16 = new Rig()
  v16.frame('{nonsense')
  strictEqual(v16.sent.length, 0)
  strictEqual(v16.event('protocol.violation').data.violation, 'not_json')
  const v21 = new Rig({ version: '2.1' })
  v21.frame('{nonsense')
  deepStrictEqual(v21.sent[0]?.slice(0, 3), [4, '-1', 'RpcFrameworkError'])
  strictEqual(v21.event('protocol.violation').data.code, 'RpcFrameworkError')
})

test('D2 the answer to a broken CALL keeps its place in the order', () => {
  const rig = new Rig({ manual: ['decide'] })
  rig.call('a', 'Authorize', { idTag: 'T' })
  rig.frame('[2,"b","Heartbeat",{]')
  strictEqual(rig.sent.length, 0)
  rig.take(rig.session.decided(rig.last('decide').ticket, rig.decision, rig.nowMs))
  deepStrictEqual(
    rig.sent.map((frame) => frame.slice(0, 3)),
    [
      [3, 'a', { idTagInfo: { status: 'Accepted' } }],
      [4, 'b', 'FormationViolation']
    ]
  )
})

test('D3 an unknown message type is ignored on 1.6 and 2.1, and MessageTypeNotSupported on 2.0.1', () => {
  for (const version of ocppVersions) {
    const rig = new Rig({ version })
    rig.frame('[9,"x","Heartbeat",{}]')
    strictEqual(codeOf(rig.sent[0]), version === '2.0.1' ? 'MessageTypeNotSupported' : undefined)
    strictEqual(rig.counted('ignored_frame'), version === '2.0.1' ? 0 : 1)
  }
})

test('D5 a numeric message id is echoed as a number, and flagged', () => {
  const rig = new Rig()
  deepStrictEqual(rig.call(17, 'StatusNotification', v16Status), [3, 17, {}])
  const event = rig.event('connector.status_changed')
  deepStrictEqual(event.data.flags, ['messageId.numeric'])
  strictEqual(event.ocppmessageid, '17')
})

test('quirk 13: empty frames are counted, never answered and never a reason to close', () => {
  const rig = new Rig({ version: '2.0.1' })
  for (let i = 0; i < 100; i += 1) rig.frame('')
  deepStrictEqual([rig.sent, rig.closed, rig.counted('ignored_frame')], [[], undefined, 100])
})

test('quirk 15: a null payload is an empty one', () => {
  const rig = new Rig()
  strictEqual(rig.call('h', 'Heartbeat', null)?.[0], 3)
})

test('what was corrected to be understood stands in raw as it came', () => {
  const rig = new Rig()
  const said = { ...v16Status, vendorErrorCode: 'E'.repeat(60) }
  strictEqual(rig.call('1', 'StatusNotification', said)?.[0], 3)
  deepStrictEqual(rig.event('connector.status_changed').data.raw, said)
})

test('quirk 25: a number that came as a string is one for the row, and stands in raw as it came', () => {
  const rig = new Rig()
  rig.call('1', 'MeterValues', { ...v16Meter(), connectorId: '2' })
  const { data } = rig.event('meter.values')
  deepStrictEqual(data.evse, { id: 2, connectorId: 1 })
  deepStrictEqual((data.raw as { readonly connectorId: unknown }).connectorId, '2')
})

test('rule 42: a SEND is never answered; its events are published without a ticket', () => {
  const rig = new Rig({ version: '2.1' })
  const payload = { id: 1, pending: 0, basetime: '2026-11-23T10:00:00Z', data: [{ t: 0, v: '1' }] }
  rig.frame(JSON.stringify([6, 's', 'NotifyPeriodicEventStream', payload]))
  strictEqual(rig.sent.length, 0)
  strictEqual(rig.event('monitoring.stream_values').ocppmessageid, 's')
  strictEqual(rig.last('publish').ticket, undefined)
})

test('D12: a SEND that is invalid, unknown or too early is dropped, counted and told', () => {
  const rig = new Rig({ version: '2.1' })
  rig.frame('[6,"1","NotifyPeriodicEventStream",{}]')
  rig.frame('[6,"2","Heartbeat",{}]')
  const early = new Rig({ version: '2.1', registration: null })
  early.frame('[6,"1","NotifyPeriodicEventStream",{}]')
  deepStrictEqual([rig.sent, early.sent], [[], []])
  deepStrictEqual([rig.counted('send_dropped'), early.counted('send_dropped')], [2, 1])
  const violations = [...rig.eventsOf('protocol.violation'), ...early.eventsOf('protocol.violation')]
  deepStrictEqual(
    violations.map(({ data }) => 'violation' in data && data.violation),
    ['invalid_payload', 'unknown_action', 'not_registered']
  )
})

test('a SEND behind an undecided CALL waits for its turn, so that events keep their order', () => {
  const rig = new Rig({ version: '2.1', manual: ['decide'] })
  rig.call('a', 'Authorize', { idToken: { idToken: 'T', type: 'ISO14443' } })
  rig.frame(
    '[6,"s","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2026-11-23T10:00:00Z","data":[{"t":0,"v":"1"}]}]'
  )
  strictEqual(rig.session.unanswered, 2)
  rig.take(rig.session.decided(rig.last('decide').ticket, rig.decision, rig.nowMs))
  deepStrictEqual(
    rig.events.map((event) => event.type),
    ['charge_point.connected', 'authorization.decided', 'monitoring.stream_values']
  )
})
