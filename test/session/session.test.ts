import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { rulesOf } from '../../src/events/to-events.ts'
import type { ChargePointRecord } from '../../src/ports/records.ts'
import { Session } from '../../src/session/session.ts'
import {
  codeOf,
  countedIds,
  defaults,
  Rig,
  recordOf,
  sessionOf,
  startMs,
  totals,
  v16Start,
  v16Status,
  v201Status,
  validatorOf
} from './support.ts'

function chargePoint(rig: Rig): ChargePointRecord | undefined {
  const change = rig.changes.filter(({ table }) => table === 'chargePoints').at(-1)
  return change?.table === 'chargePoints' ? (change.value ?? undefined) : undefined
}

test('the first event is charge_point.connected; with it the record and the open epoch are stored', () => {
  const rig = new Rig({ version: '2.0.1', record: recordOf('accepted', '1.6'), flags: ['subprotocol.missing'] })
  const event = rig.event('charge_point.connected')
  strictEqual(event.sequence, '0000000007-0000000001')
  deepStrictEqual(event.data, {
    version: '2.0.1',
    subprotocol: 'ocpp2.0.1',
    remoteAddress: '192.0.2.1',
    previousVersion: '1.6',
    flags: ['subprotocol.missing']
  })
  const { epoch, version, registration, connections } = chargePoint(rig) ?? {}
  deepStrictEqual([epoch, version, registration?.status], [7, '2.0.1', 'accepted'])
  deepStrictEqual(connections, [
    { epoch: 7, node: 'gw-0', version: '2.0.1', remoteAddress: '192.0.2.1', connectedAtMs: startMs }
  ])
  deepStrictEqual(rig.changes[1], {
    table: 'openEpochs',
    key: 'CP-1\u00017',
    value: { chargePointId: 'CP-1', epoch: 7, version: '2.0.1', connectedAtMs: startMs }
  })
})

test('a charge point that comes back with the version on record has no previous one', () => {
  const rig = new Rig()
  strictEqual('previousVersion' in rig.event('charge_point.connected').data, false)
})

test('the last event is charge_point.disconnected; with it the epoch is closed and the history says why', () => {
  const rig = new Rig()
  rig.call('1', 'StatusNotification', v16Status)
  rig.nowMs += 5000
  rig.close('idle_timeout')
  const event = rig.event('charge_point.disconnected')
  strictEqual(event.sequence, '0000000007-0000000003')
  deepStrictEqual(event.data, {
    reason: 'idle_timeout',
    text: 'nothing was heard within server.idle_timeout',
    connectedAt: '2026-11-23T10:00:00.000Z',
    durationMs: 5000,
    ...totals,
    lastSequence: '0000000007-0000000002'
  })
  deepStrictEqual(
    rig.changes.find((change) => change.table === 'openEpochs' && change.value === null)?.key,
    'CP-1\u00017'
  )
  const [connection] = chargePoint(rig)?.connections ?? []
  deepStrictEqual([connection?.disconnectedAtMs, connection?.reason], [rig.nowMs, 'idle_timeout'])
})

test('the history is bounded, newest first, and what was still open there was replaced', () => {
  const old = { node: 'gw-0', version: '1.6', remoteAddress: '192.0.2.9', connectedAtMs: 1 } as const
  const connections = Array.from({ length: 10 }, (_, n) => ({ ...old, epoch: 6 - n }))
  const rig = new Rig({ record: { ...recordOf('accepted', '1.6'), connections } })
  const kept = chargePoint(rig)?.connections ?? []
  strictEqual(kept.length, 10)
  strictEqual(kept[0]?.epoch, 7)
  deepStrictEqual([kept[1]?.epoch, kept[1]?.reason, kept[1]?.disconnectedAtMs], [6, 'replaced', startMs])
})

// A3, seen from the session: the end of an old connection wrote over what the new one had stored.
test('A3 a replaced session no longer writes the record, which belongs to the newer one', () => {
  const rig = new Rig()
  const before = rig.changes.length
  rig.close('replaced', true)
  deepStrictEqual(
    rig.changes.slice(before).map(({ table }) => table),
    ['openEpochs']
  )
})

// The newer one was a handshake on another node, and the charge point went away before it was a connection: every other node
// listed the old one as connected for ever.
test('a session that is displaced by what may never become a connection writes its end', () => {
  const rig = new Rig()
  rig.close('replaced')
  const [connection] = chargePoint(rig)?.connections ?? []
  deepStrictEqual([connection?.disconnectedAtMs, connection?.reason], [rig.nowMs, 'replaced'])
})

// A1: the ping goroutine of a gateway in Go sent on a channel that `Close` had just closed, and the process died. Here
// nothing is sent after the end by construction: every input then returns the same empty list.
test('A1 after the end every input asks for nothing', () => {
  const rig = new Rig({ manual: ['durable', 'clear', 'decide'] })
  rig.call('1', 'StatusNotification', v16Status)
  rig.call('2', 'Authorize', { idTag: 'T' })
  rig.enqueue('c-1')
  rig.close()
  const { session, nowMs } = rig
  const inputs = [
    () => session.frame('[2,"3","Heartbeat",{}]', nowMs),
    () => session.durable(rig.all('publish')[1]?.ticket ?? -1, nowMs),
    () => session.decided(rig.last('decide').ticket, rig.decision, nowMs),
    () => session.identified(1, 1, nowMs),
    () => session.cleared('c-1', 'written', nowMs),
    () => session.cancel('c-1', nowMs),
    () => session.tick(nowMs),
    () => session.stop(nowMs),
    () => session.open(nowMs),
    () => session.close('connection_lost', totals, nowMs),
    () => rig.enqueue('c-2')
  ]
  for (const input of inputs) {
    const effects = input()
    strictEqual(effects.length, 0)
    strictEqual(Object.isFrozen(effects), true)
  }
  strictEqual(session.unanswered, 0)
})

// A2: ping and send both wrote to the socket; panic at 12,000 connections. A session has no socket: whatever leaves is an
// effect of the one input that runs, so two writers cannot exist.
test('A2 all that leaves comes as the effects of one input, in order', () => {
  const rig = new Rig()
  rig.enqueue('c-1', 'ClearCache', { timeoutMs: 10 })
  rig.enqueue('c-2', 'ClearCache')
  rig.nowMs += 10
  const effects = rig.session.tick(rig.nowMs)
  deepStrictEqual(
    effects.map(({ kind }) => kind),
    ['settle', 'clear', 'wake']
  )
})

test('a session that never opened publishes nothing at its end', () => {
  const start = {
    chargePointId: 'CP-1',
    version: '1.6',
    epoch: 1,
    remoteAddress: '',
    subprotocol: '',
    record: undefined,
    transactions: []
  } as const
  const session = sessionOf(start, defaults)
  deepStrictEqual(session.frame('[2,"1","Heartbeat",{}]', startMs), [])
  deepStrictEqual(session.close('connection_lost', totals, startMs), [])
})

test('an undecided CALL dies with its connection: no event, no answer', () => {
  const rig = new Rig({ manual: ['identify'] })
  rig.call('1', 'StartTransaction', v16Start)
  const { ticket } = rig.last('identify')
  rig.close()
  deepStrictEqual(rig.session.identified(ticket, 5, rig.nowMs), [])
  strictEqual(rig.eventsOf('transaction.started').length, 0)
})

test('sequences have no gaps, whatever is published', () => {
  const rig = new Rig()
  rig.call('1', 'StatusNotification', v16Status)
  rig.frame('nonsense')
  rig.call('2', 'StatusNotification', {})
  rig.enqueue('c-1', 'ClearCache', { timeoutMs: 1 })
  rig.tick(1)
  rig.result('m-1', { status: 'Accepted' })
  rig.call('3', 'StatusNotification', v16Status)
  rig.close()
  deepStrictEqual(
    rig.events.map(({ sequence }) => Number(sequence?.slice(11))),
    rig.events.map((_, n) => n + 1)
  )
})

test('too many unusable frames in a row end the connection, after the last one is answered', () => {
  const rig = new Rig({ version: '2.0.1' })
  for (let n = 0; n < 6; n += 1) rig.frame('nonsense')
  strictEqual(rig.closed, 'bad_frames')
  strictEqual(rig.sent.length, 6)
  deepStrictEqual(
    rig.effects.slice(-2).map(({ kind }) => kind),
    ['send', 'close']
  )
  rig.frame('nonsense')
  rig.call('x', 'Heartbeat', {})
  strictEqual(rig.sent.length, 6)
  strictEqual(rig.all('close').length, 1)
})

test('the end for bad frames waits until the CALLs before it are answered', () => {
  const rig = new Rig({ manual: ['durable'] })
  rig.call('1', 'StatusNotification', v16Status)
  const { ticket } = rig.last('publish')
  for (let n = 0; n < 6; n += 1) rig.frame('nonsense')
  strictEqual(rig.closed, undefined)
  rig.take(rig.session.durable(ticket ?? -1, rig.nowMs))
  strictEqual(rig.sent.length, 1)
  strictEqual(rig.closed, 'bad_frames')
})

test('a usable frame in between starts the count of bad frames anew', () => {
  const rig = new Rig()
  for (let n = 0; n < 30; n += 1) {
    for (let bad = 0; bad < 5; bad += 1) rig.frame('nonsense')
    rig.call(`${n}`, 'Heartbeat', {})
  }
  strictEqual(rig.closed, undefined)
})

test('violations are published so many times a minute; what is over is counted and told with the next', () => {
  const rig = new Rig({ settings: { violationsPerMinuteMax: 2, badFramesMax: 100 } })
  for (let n = 0; n < 7; n += 1) rig.call(`${n}`, 'Nonsense', {})
  strictEqual(rig.eventsOf('protocol.violation').length, 2)
  strictEqual(rig.counted('violation'), 7)
  rig.nowMs += 60_000
  rig.call('x', 'Nonsense', {})
  rig.call('y', 'Nonsense', {})
  deepStrictEqual(
    rig.eventsOf('protocol.violation').map(({ data }) => 'suppressed' in data && data.suppressed),
    [false, false, 5, false]
  )
})

test('any frame is a sign of life', () => {
  const rig = new Rig()
  rig.nowMs += 1000
  rig.frame('')
  strictEqual(rig.session.lastSeenAtMs, startMs + 1000)
})

test('a row that fails costs its CALL an InternalError, and nothing else', () => {
  const rig = new Rig({
    manual: ['decide'],
    // What an authority must never say: a response that JSON cannot carry.
    decision: { decidedBy: 'http', response: { status: 'Accepted', data: 1n } }
  })
  rig.call('1', 'DataTransfer', { vendorId: 'V' })
  rig.call('2', 'Heartbeat', {})
  rig.take(rig.session.decided(rig.last('decide').ticket, rig.decision, rig.nowMs))
  strictEqual(codeOf(rig.sent[0]), 'InternalError')
  strictEqual(rig.sent[1]?.[0], 3)
  strictEqual(rig.event('protocol.violation').sequence, '0000000007-0000000002')
})

test('what the session tells of itself is what it was made with', () => {
  const { session } = new Rig({ version: '2.1' })
  deepStrictEqual([session.chargePointId, session.version, session.epoch], ['CP-1', '2.1', 7])
  strictEqual(session.record.registration?.status, 'accepted')
})

test('rule 41: a CALLRESULTERROR of the charge point is counted and has no answer', () => {
  const rig = new Rig({ version: '2.1' })
  rig.frame('[5,"1","FormatViolation","what you said",{}]')
  strictEqual(rig.counted('ignored_frame'), 1)
  deepStrictEqual([rig.sent, rig.eventsOf('protocol.violation')], [[], []])
})

const stream = { id: 1, pending: 0, basetime: '2026-11-23T10:00:00Z', data: [{ t: 0, v: '1' }] }

/** An open session of 2.1 with other rows than the product's. */
function sessionWith(rules: ReturnType<typeof rulesOf>): Session {
  const start = {
    chargePointId: 'CP-1',
    version: '2.1',
    epoch: 7,
    remoteAddress: '192.0.2.1',
    subprotocol: 'ocpp2.1'
  } as const
  const tools = { settings: defaults, ids: countedIds(), validator: validatorOf('2.1'), rules }
  const session = new Session(tools, { ...start, record: recordOf('accepted', '2.1'), transactions: [] })
  session.open(startMs)
  return session
}

test('a table without a row refuses the CALL and drops the SEND, whatever the schemas know', () => {
  const session = sessionWith(new Map())
  const effects = [
    ...session.frame(JSON.stringify([2, '1', 'StatusNotification', v201Status]), startMs),
    ...session.frame(JSON.stringify([6, '2', 'NotifyPeriodicEventStream', stream]), startMs)
  ]
  const sent = effects.flatMap((effect) => (effect.kind === 'send' ? [JSON.parse(effect.text)] : []))
  deepStrictEqual(
    sent.map(([type, id, code]) => [type, id, code]),
    [[4, '1', 'NotSupported']]
  )
  strictEqual(effects.filter((effect) => effect.kind === 'count' && effect.what === 'send_dropped').length, 1)
})

test('a row that fails drops its SEND, and nothing else', () => {
  const rules = new Map(rulesOf('2.1'))
  const rule = rules.get('NotifyPeriodicEventStream')
  if (!rule) throw new Error('no row')
  const fail = () => {
    throw new Error('ours')
  }
  rules.set('NotifyPeriodicEventStream', { ...rule, events: fail })
  const session = sessionWith(rules)
  const effects = session.frame(JSON.stringify([6, '1', 'NotifyPeriodicEventStream', stream]), startMs)
  const published = effects.flatMap((effect) => (effect.kind === 'publish' ? effect.entries : []))
  deepStrictEqual(
    published.map(({ event: { type, data } }) => [type, 'violation' in data && data.violation]),
    [['protocol.violation', 'internal_error']]
  )
  strictEqual(session.frame('[2,"2","Heartbeat",{}]', startMs).at(-1)?.kind, 'send')
})
