import { deepStrictEqual, notDeepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { Replay } from '../../src/session/replay.ts'
import { codeOf, Rig, startMs, v16Boot, v16Meter, v16Start, v16Status } from './support.ts'

// C3: MicroOcpp resends with the same id before the answer; MaEVe stays silent on that, SteVe answers ProtocolError:
// both make stations hang or loop.
test('C3 the same CALL again gets the same answer, and makes no second event', () => {
  const rig = new Rig()
  const first = rig.call('1', 'StartTransaction', v16Start)
  const second = rig.call('1', 'StartTransaction', v16Start)
  deepStrictEqual(second, first)
  strictEqual(rig.eventsOf('transaction.started').length, 1)
  strictEqual(rig.counted('replayed_answer'), 1)
})

test('C3 the same CALL while the first is being decided: one decision, one event, both answered', () => {
  const rig = new Rig({ manual: ['decide', 'durable'] })
  rig.call('1', 'StartTransaction', v16Start)
  rig.call('1', 'StartTransaction', v16Start)
  rig.call('1', 'StartTransaction', v16Start)
  rig.take(rig.session.decided(rig.last('decide').ticket, rig.decision, rig.nowMs))
  rig.call('1', 'StartTransaction', v16Start)
  strictEqual(rig.sent.length, 0)
  rig.take(rig.session.durable(rig.last('publish').ticket ?? -1, rig.nowMs))
  strictEqual(rig.all('decide').length, 1)
  strictEqual(rig.eventsOf('transaction.started').length, 1)
  strictEqual(rig.sent.length, 4)
  for (const answer of rig.sent) deepStrictEqual(answer, rig.sent[0])
})

test('a repetition that waits behind another CALL is answered after it', () => {
  const rig = new Rig({ manual: ['decide'] })
  rig.call('a', 'StatusNotification', v16Status)
  rig.call('b', 'Authorize', { idTag: 'T' })
  rig.call('a', 'StatusNotification', v16Status)
  rig.take(rig.session.decided(rig.last('decide').ticket, rig.decision, rig.nowMs))
  deepStrictEqual(
    rig.sent.map((frame) => frame[1]),
    ['a', 'b', 'a']
  )
})

test('quirk 19: the same id with another payload is a new CALL', () => {
  const rig = new Rig()
  rig.call('1', 'StatusNotification', v16Status)
  rig.call('1', 'StatusNotification', { ...v16Status, status: 'Charging' })
  strictEqual(rig.eventsOf('connector.status_changed').length, 2)
  // The newest CALL with an id is the one that is replayed.
  rig.call('1', 'StatusNotification', { ...v16Status, status: 'Charging' })
  strictEqual(rig.eventsOf('connector.status_changed').length, 2)
})

test('quirk 19: the same id on a later connection is a new CALL', () => {
  const rig = new Rig()
  rig.call('1', 'StatusNotification', v16Status)
  rig.close()
  const later = new Rig({ epoch: 8 })
  later.call('1', 'StatusNotification', v16Status)
  strictEqual(later.eventsOf('connector.status_changed').length, 1)
})

test('after the window the same CALL is a new one', () => {
  const rig = new Rig()
  rig.call('1', 'StatusNotification', v16Status)
  rig.nowMs += 300_001
  rig.call('1', 'StatusNotification', v16Status)
  strictEqual(rig.eventsOf('connector.status_changed').length, 2)
})

test('the window begins with the answer', () => {
  const rig = new Rig({ manual: ['durable'] })
  rig.call('1', 'StatusNotification', v16Status)
  rig.nowMs += 240_000
  rig.take(rig.session.durable(rig.last('publish').ticket ?? -1, rig.nowMs))
  rig.nowMs += 240_000
  rig.call('1', 'StatusNotification', v16Status)
  strictEqual(rig.sent.length, 2)
  strictEqual(rig.eventsOf('connector.status_changed').length, 1)
})

test('what is older than the window takes no memory once another CALL comes', () => {
  const replay = new Replay(1000, 10)
  replay.begin('1', 'one', startMs).text = 'answer'
  replay.begin('2', 'two', startMs + 1001)
  strictEqual(replay.find('1', 'one', startMs), undefined)
})

test('a settled Heartbeat is answered afresh: its time would be stale', () => {
  const rig = new Rig()
  const first = rig.call('h', 'Heartbeat', {})
  rig.nowMs += 1000
  const second = rig.call('h', 'Heartbeat', {})
  notDeepStrictEqual(second, first)
})

test('a settled BootNotification is answered afresh, one in progress is answered twice from one decision', () => {
  const rig = new Rig({ registration: null, manual: ['decide'] })
  rig.call('b', 'BootNotification', v16Boot)
  rig.call('b', 'BootNotification', v16Boot)
  rig.take(rig.session.decided(rig.last('decide').ticket, rig.decision, rig.nowMs))
  strictEqual(rig.sent.length, 2)
  deepStrictEqual(rig.sent[1], rig.sent[0])
  rig.nowMs += 1000
  rig.call('b', 'BootNotification', v16Boot)
  rig.take(rig.session.decided(rig.last('decide').ticket, rig.decision, rig.nowMs))
  strictEqual(rig.all('decide').length, 2)
  notDeepStrictEqual(rig.sent[2], rig.sent[0])
})

test('a refusal is never replayed: the same CALL is welcome once the charge point is registered', () => {
  const rig = new Rig({ registration: 'rejected' })
  strictEqual(codeOf(rig.call('1', 'StatusNotification', v16Status)), 'SecurityError')
  rig.call('2', 'BootNotification', v16Boot)
  deepStrictEqual(rig.call('1', 'StatusNotification', v16Status), [3, '1', {}])
})

test('the answers kept are bounded: beyond the bound the oldest is forgotten', () => {
  const rig = new Rig({ settings: { replayAnswersMax: 2 } })
  for (const id of ['1', '2', '3']) rig.call(id, 'MeterValues', v16Meter())
  rig.call('3', 'MeterValues', v16Meter())
  rig.call('2', 'MeterValues', v16Meter())
  strictEqual(rig.eventsOf('meter.values').length, 3)
  rig.call('1', 'MeterValues', v16Meter())
  strictEqual(rig.eventsOf('meter.values').length, 4)
})

test('CALLs in progress are not forgotten, however many there are', () => {
  const replay = new Replay(1000, 1)
  const first = replay.begin('1', 'one', startMs)
  replay.begin('2', 'two', startMs)
  replay.begin('3', 'three', startMs)
  strictEqual(replay.find('1', 'one', startMs + 5000), first)
})

test('a text of the same length is told apart', () => {
  const replay = new Replay(1000, 10)
  replay.begin('1', '[2,"1","A",{"v":12}]', startMs)
  strictEqual(replay.find('1', '[2,"1","A",{"v":21}]', startMs), undefined)
})

test('numeric and textual ids are different ids', () => {
  const rig = new Rig()
  rig.call('1', 'StatusNotification', v16Status)
  rig.call(1, 'StatusNotification', v16Status)
  strictEqual(rig.eventsOf('connector.status_changed').length, 2)
})
