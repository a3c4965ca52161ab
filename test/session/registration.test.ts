import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { Decision } from '../../src/events/decision.ts'
import type { ChargePointRecord } from '../../src/ports/records.ts'
import { solicitedBy } from '../../src/session/gate.ts'
import {
  codeOf,
  Rig,
  startMs,
  v16Boot,
  v16Meter,
  v16Start,
  v16Status,
  v16Stop,
  v201Boot,
  v201Event,
  v201Status
} from './support.ts'

const pending: Decision = { decidedBy: 'local', registration: { status: 'pending', intervalS: 60 } }
const v2Versions = ['2.0.1', '2.1'] as const

function recordIn(rig: Rig): ChargePointRecord | undefined {
  const change = rig.changes.filter(({ table }) => table === 'chargePoints').at(-1)
  return change?.table === 'chargePoints' ? (change.value ?? undefined) : undefined
}

test('a BootNotification is answered as decided, and the record keeps decision and identity', () => {
  const rig = new Rig({ version: '2.0.1', registration: null, decision: pending })
  const currentTime = '2026-11-23T10:00:00.000Z'
  deepStrictEqual(rig.call('b', 'BootNotification', v201Boot), [
    3,
    'b',
    { status: 'Pending', currentTime, interval: 60 }
  ])
  const { registration, vendor, model, serialNumber } = recordIn(rig) ?? {}
  deepStrictEqual(
    { registration, vendor, model, serialNumber },
    {
      registration: { status: 'pending', intervalS: 60, decidedAtMs: startMs },
      vendor: 'V',
      model: 'M',
      serialNumber: 'S-1'
    }
  )
})

test('a decision that says nothing of the registration is a rejection, in the answer and on the record', () => {
  const rig = new Rig({ registration: null, decision: { decidedBy: 'fallback' } })
  const answer = rig.call('b', 'BootNotification', v16Boot)
  match(JSON.stringify(answer), /Rejected/)
  strictEqual(recordIn(rig)?.registration?.status, 'rejected')
})

test('rule 55: a decision on record holds on a new connection that brings no BootNotification', () => {
  for (const version of ['1.6', ...v2Versions] as const) {
    const rig = new Rig({ version })
    strictEqual(rig.call('1', 'StatusNotification', version === '1.6' ? v16Status : v201Status)?.[0], 3)
  }
})

test('rule 53: without a decision on record, 2.x refuses everything but a BootNotification until one is accepted', () => {
  for (const version of v2Versions) {
    const rig = new Rig({ version, registration: null })
    strictEqual(codeOf(rig.call('1', 'StatusNotification', v201Status)), 'SecurityError')
    strictEqual(codeOf(rig.call('2', 'TransactionEvent', v201Event('Started', 0))), 'SecurityError')
    strictEqual(codeOf(rig.call('3', 'Heartbeat', {})), 'SecurityError')
    rig.call('4', 'BootNotification', v201Boot)
    strictEqual(rig.call('5', 'StatusNotification', v201Status)?.[0], 3)
    strictEqual(rig.eventsOf('protocol.violation').length, 3)
  }
})

test('D6 without a decision on record, 1.6 lets transactions and status through, flagged notRegistered', () => {
  const rig = new Rig({ registration: null })
  rig.call('1', 'StartTransaction', v16Start)
  strictEqual(rig.sent.at(-1)?.[0], 3)
  rig.call('2', 'MeterValues', v16Meter(1000))
  rig.call('3', 'StopTransaction', v16Stop(1000))
  rig.call('4', 'StatusNotification', v16Status)
  for (const { type, data } of rig.events.slice(1)) deepStrictEqual([type, data.flags], [type, ['notRegistered']])
  strictEqual(codeOf(rig.call('5', 'Heartbeat', {})), 'SecurityError')
  strictEqual(codeOf(rig.call('6', 'Authorize', { idTag: 'T' })), 'SecurityError')
})

test('D6 without a decision on record, 1.6 is asked for a BootNotification, once', () => {
  const rig = new Rig({ registration: null })
  rig.call('1', 'StatusNotification', v16Status)
  rig.call('2', 'StatusNotification', v16Status)
  const calls = rig.sent.filter((frame) => frame[0] === 2)
  deepStrictEqual(calls, [[2, 'm-1', 'TriggerMessage', { requestedMessage: 'BootNotification' }]])
  // Nobody has asked for it as a command, so nobody hears of its end.
  rig.error('m-1', 'NotSupported')
  deepStrictEqual(rig.settled, [])
  strictEqual(rig.sent.filter((frame) => frame[0] === 2).length, 1)
})

test('a station that boots by itself is not asked to, and neither is one with a decision on record', () => {
  const fresh = new Rig({ registration: null })
  fresh.call('1', 'BootNotification', v16Boot)
  fresh.call('2', 'StatusNotification', v16Status)
  const known = new Rig({ registration: 'pending' })
  known.call('1', 'StatusNotification', v16Status)
  strictEqual([...fresh.sent, ...known.sent].filter((frame) => frame[0] === 2).length, 0)
})

test('the request for a BootNotification takes the slot: commands go after it, or when it has timed out', () => {
  const rig = new Rig({ registration: null })
  rig.call('1', 'StatusNotification', v16Status)
  rig.enqueue('c-1')
  strictEqual(rig.all('clear').length, 0)
  rig.tick(30_000)
  strictEqual(rig.all('clear').length, 1)
  deepStrictEqual(rig.settled, [])
})

test('rules 53, 54: Pending and Rejected gate everything but a BootNotification, money too', () => {
  for (const registration of ['pending', 'rejected'] as const) {
    const rig = new Rig({ registration })
    strictEqual(codeOf(rig.call('1', 'StartTransaction', v16Start)), 'SecurityError')
    strictEqual(codeOf(rig.call('2', 'Heartbeat', {})), 'SecurityError')
    strictEqual(rig.call('3', 'BootNotification', v16Boot)?.[0], 3)
    strictEqual(rig.call('4', 'StartTransaction', v16Start)?.[0], 3)
  }
})

test('rule 53: while Pending, what TriggerMessage, GetBaseReport or GetReport asked for passes', () => {
  const rig = new Rig({ version: '2.0.1', registration: 'pending' })
  strictEqual(codeOf(rig.call('1', 'StatusNotification', v201Status)), 'SecurityError')
  rig.enqueue('c-1', 'TriggerMessage', { payload: { requestedMessage: 'StatusNotification' } })
  strictEqual(rig.call('2', 'StatusNotification', v201Status)?.[0], 3)
  const report = { requestId: 1, generatedAt: '2026-11-23T10:00:00Z', seqNo: 0 }
  strictEqual(codeOf(rig.call('3', 'NotifyReport', report)), 'SecurityError')
  rig.result('m-1', { status: 'Accepted' })
  rig.enqueue('c-2', 'GetBaseReport', { payload: { requestId: 1, reportBase: 'FullInventory' } })
  strictEqual(rig.call('4', 'NotifyReport', report)?.[0], 3)
  strictEqual(codeOf(rig.call('5', 'Heartbeat', {})), 'SecurityError')
})

test('what is solicited goes by the name of the action that comes', () => {
  const ask = (action: string, requestedMessage: unknown) => solicitedBy(action, { requestedMessage })
  deepStrictEqual(ask('TriggerMessage', 'Heartbeat'), ['Heartbeat'])
  deepStrictEqual(ask('TriggerMessage', 'SignV2GCertificate'), ['SignCertificate'])
  deepStrictEqual(ask('ExtendedTriggerMessage', 'SignChargePointCertificate'), ['SignCertificate'])
  deepStrictEqual(ask('ExtendedTriggerMessage', 'FirmwareStatusNotification'), [
    'FirmwareStatusNotification',
    'SignedFirmwareStatusNotification'
  ])
  deepStrictEqual(ask('TriggerMessage', 5), [])
  deepStrictEqual(ask('Reset', 'Heartbeat'), [])
  deepStrictEqual(solicitedBy('TriggerMessage', null), [])
})

test('rule 54: nothing is sent to a rejected charge point', () => {
  const rig = new Rig({ registration: 'rejected' })
  rig.enqueue('c-1', 'GetConfiguration')
  strictEqual(rig.settled[0]?.outcome.reason, 'not_registered')
  strictEqual(rig.sent.length, 0)
  strictEqual(rig.all('clear').length, 0)
})

test('rule 54: while Pending, and on 2.x before the first decision, all may be sent but remote starts and stops', () => {
  for (const [version, registration] of [
    ['1.6', 'pending'],
    ['2.0.1', 'pending'],
    ['2.1', null]
  ] as const) {
    const rig = new Rig({ version, registration })
    const [start, stop] =
      version === '1.6'
        ? ['RemoteStartTransaction', 'RemoteStopTransaction']
        : ['RequestStartTransaction', 'RequestStopTransaction']
    rig.enqueue('c-1', start)
    rig.enqueue('c-2', stop)
    deepStrictEqual(
      rig.settled.map(({ outcome }) => outcome.reason),
      ['not_registered', 'not_registered']
    )
    rig.enqueue('c-3', 'Reset', { payload: { type: version === '1.6' ? 'Soft' : 'Immediate' } })
    strictEqual(rig.sent.length, 1)
  }
})

test('without a decision on record all may be sent to 1.6, which only RECOMMENDS otherwise', () => {
  const rig = new Rig({ registration: null })
  rig.enqueue('c-1', 'RemoteStartTransaction', { payload: { idTag: 'T' } })
  strictEqual(rig.sent.length, 1)
})

test('nobody is asked for a BootNotification once the gateway stops', () => {
  const rig = new Rig({ registration: null })
  rig.enqueue('c-1')
  rig.call('1', 'StatusNotification', v16Status)
  rig.take(rig.session.stop(rig.nowMs))
  rig.result('m-1', { status: 'Accepted' })
  const stopped = new Rig({ registration: null })
  stopped.take(stopped.session.stop(stopped.nowMs))
  stopped.call('1', 'StatusNotification', v16Status)
  strictEqual([...rig.sent, ...stopped.sent].filter((frame) => frame[2] === 'TriggerMessage').length, 0)
})

test('a charge point that is rejected while the ledger is asked gets nothing', () => {
  const rig = new Rig({
    manual: ['clear'],
    decision: { decidedBy: 'local', registration: { status: 'rejected', intervalS: 60 } }
  })
  rig.enqueue('c-1', 'GetConfiguration')
  rig.call('b', 'BootNotification', v16Boot)
  rig.take(rig.session.cleared('c-1', 'written', rig.nowMs))
  strictEqual(rig.settled[0]?.outcome.reason, 'not_registered')
  strictEqual(rig.sent.length, 1)
})

test('D6 who loses the permission to connect is not registered any more', () => {
  const rig = new Rig()
  rig.close('revoked')
  strictEqual(recordIn(rig)?.registration, undefined)
})
