import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { lateCallsMax } from '../../src/session/downward.ts'
import { Rig, totals, v16Status } from './support.ts'

function outcomes(rig: Rig): string[] {
  return rig.settled.map(({ commandId, outcome: { outcome, reason } }) =>
    [commandId, outcome, ...(reason ? [reason] : [])].join(' ')
  )
}

test('a command is cleared by the ledger, then written once, then settled with the answer', () => {
  const rig = new Rig({ manual: ['clear'] })
  rig.enqueue('c-1', 'ChangeAvailability', { payload: { connectorId: 0, type: 'Inoperative' } })
  deepStrictEqual(rig.last('clear'), { kind: 'clear', commandId: 'c-1', atMs: rig.nowMs })
  strictEqual(rig.sent.length, 0)
  strictEqual(rig.session.settled, false)
  rig.take(rig.session.cleared('c-1', 'written', rig.nowMs))
  deepStrictEqual(rig.sent, [[2, 'm-1', 'ChangeAvailability', { connectorId: 0, type: 'Inoperative' }]])
  rig.take(rig.session.cleared('c-1', 'written', rig.nowMs))
  strictEqual(rig.sent.length, 1)
  rig.result('m-1', { status: 'Scheduled' })
  const response = { status: 'Scheduled' }
  deepStrictEqual(rig.settled[0]?.outcome, { outcome: 'accepted', status: 'Scheduled', response })
  strictEqual(rig.session.settled, true)
})

test('a charge point that says no is a rejection, with its own word', () => {
  const rig = new Rig()
  rig.enqueue('c-1', 'ClearCache')
  rig.result('m-1', { status: 'Rejected' })
  deepStrictEqual(outcomes(rig), ['c-1 rejected'])
  strictEqual(rig.settled[0]?.outcome.status, 'Rejected')
})

test('a CALLERROR is call_error, with code, description and details in any spelling', () => {
  const rig = new Rig()
  rig.enqueue('c-1')
  rig.error('m-1', 'OccurrenceConstraintViolation', 'what', { a: 1 })
  deepStrictEqual(rig.settled[0]?.outcome, {
    outcome: 'call_error',
    error: { code: 'OccurrenceConstraintViolation', description: 'what', details: { a: 1 } }
  })
})

test('quirk 16: a CALLERROR of four elements or with null details is one too', () => {
  const rig = new Rig()
  rig.enqueue('c-1')
  rig.frame('[4,"m-1","GenericError",""]')
  rig.enqueue('c-2')
  rig.frame('[4,"m-2","GenericError","",null]')
  deepStrictEqual(outcomes(rig), ['c-1 call_error', 'c-2 call_error'])
})

test('the ledger says no: ledger_lost, nothing is written, and the next command has its turn', () => {
  const rig = new Rig({ manual: ['clear'] })
  rig.enqueue('c-1')
  rig.enqueue('c-2')
  rig.take(rig.session.cleared('c-1', 'ledger_lost', rig.nowMs))
  deepStrictEqual(outcomes(rig), ['c-1 not_sent ledger_lost'])
  strictEqual(rig.sent.length, 0)
  strictEqual(rig.last('clear').commandId, 'c-2')
})

// It was called ledger_lost, and an operator looked for a loss of Redis that had not happened.
test('the charge point has moved on before its command is written: offline, nothing is written', () => {
  const rig = new Rig({ manual: ['clear'] })
  rig.enqueue('c-1')
  rig.take(rig.session.cleared('c-1', 'not_owner', rig.nowMs))
  deepStrictEqual(outcomes(rig), ['c-1 not_sent offline'])
  strictEqual(rig.sent.length, 0)
})

// D5: EMQX wrote its whole queue at once.
test('rule 44: one CALL is open at a time; the next is cleared when the first has ended', () => {
  const rig = new Rig()
  for (const id of ['c-1', 'c-2', 'c-3']) rig.enqueue(id)
  strictEqual(rig.sent.length, 1)
  strictEqual(rig.all('clear').length, 1)
  strictEqual(rig.session.queuedCalls, 2)
  rig.result('m-1', { status: 'Accepted' })
  strictEqual(rig.sent.length, 2)
  rig.error('m-2', 'GenericError')
  strictEqual(rig.sent.length, 3)
})

test('high priority goes before the rest, each kind in its own order', () => {
  const rig = new Rig({ manual: ['clear'] })
  rig.enqueue('first')
  rig.enqueue('n-1')
  rig.enqueue('h-1', 'Reset', { priority: 'high' })
  rig.enqueue('n-2')
  rig.enqueue('h-2', 'Reset', { priority: 'high' })
  const order: string[] = []
  for (let n = 0; n < 5; n += 1) {
    const { commandId } = rig.last('clear')
    order.push(commandId)
    rig.take(rig.session.cleared(commandId, 'ledger_lost', rig.nowMs))
  }
  deepStrictEqual(order, ['first', 'h-1', 'h-2', 'n-1', 'n-2'])
  rig.enqueue('open')
  rig.enqueue('n-3')
  rig.enqueue('h-3', 'Reset', { priority: 'high' })
  rig.take(rig.session.cleared('open', 'ledger_lost', rig.nowMs))
  strictEqual(rig.last('clear').commandId, 'h-3')
})

// D5: EMQX and MaEVe dropped the command with a log line.
test('a full queue is an outcome', () => {
  const rig = new Rig({ settings: { queueCallsMax: 2 } })
  for (const id of ['open', 'c-1', 'c-2', 'c-3']) rig.enqueue(id)
  deepStrictEqual(outcomes(rig), ['c-3 not_sent queue_full'])
})

test('a command that is there already is not taken twice', () => {
  const rig = new Rig({ manual: ['clear'] })
  rig.enqueue('c-1')
  rig.enqueue('c-1')
  rig.enqueue('c-2')
  rig.enqueue('c-2')
  strictEqual(rig.session.queuedCalls, 2)
  deepStrictEqual(outcomes(rig), [])
})

test('an expired command is never sent: in the queue, on arrival, or while the ledger is asked', () => {
  const rig = new Rig({ manual: ['clear'] })
  const soon = { expiresAtMs: rig.nowMs + 1000 }
  rig.enqueue('clearing', 'ClearCache', soon)
  rig.enqueue('queued', 'ClearCache', soon)
  strictEqual(rig.wakeAtMs, rig.nowMs + 1000)
  rig.tick(1000)
  rig.take(rig.session.cleared('clearing', 'written', rig.nowMs))
  rig.enqueue('late', 'ClearCache', { expiresAtMs: rig.nowMs })
  rig.enqueue('slow', 'ClearCache', { expiresAtMs: rig.nowMs + 1 })
  rig.nowMs += 1
  rig.take(rig.session.cleared('slow', 'written', rig.nowMs))
  deepStrictEqual(outcomes(rig), [
    'clearing not_sent expired',
    'queued not_sent expired',
    'late not_sent expired',
    'slow not_sent expired'
  ])
  strictEqual(rig.sent.length, 0)
})

test('cancelling works while it is queued or being cleared, and is too late once it is written', () => {
  const rig = new Rig({ manual: ['clear'] })
  rig.enqueue('c-1')
  rig.enqueue('c-2')
  rig.take(rig.session.cancel('c-2', rig.nowMs))
  rig.take(rig.session.cancel('c-1', rig.nowMs))
  rig.take(rig.session.cleared('c-1', 'written', rig.nowMs))
  deepStrictEqual(outcomes(rig), ['c-2 not_sent cancelled', 'c-1 not_sent cancelled'])
  strictEqual(rig.sent.length, 0)
  rig.enqueue('c-3')
  rig.take(rig.session.cleared('c-3', 'written', rig.nowMs))
  deepStrictEqual(rig.take(rig.session.cancel('c-3', rig.nowMs)), [])
  deepStrictEqual(rig.take(rig.session.cancel('nobody', rig.nowMs)), [])
})

test('the deadline counts from the write, and its passing is unknown/timeout', () => {
  const rig = new Rig({ manual: ['clear'] })
  rig.enqueue('c-1', 'ClearCache', { timeoutMs: 500 })
  rig.nowMs += 400
  rig.take(rig.session.cleared('c-1', 'written', rig.nowMs))
  strictEqual(rig.wakeAtMs, rig.nowMs + 500)
  rig.tick(499)
  deepStrictEqual(outcomes(rig), [])
  rig.tick(1)
  deepStrictEqual(outcomes(rig), ['c-1 unknown timeout'])
})

// D6: in ocpp-go ten timeouts together deadlocked the dispatcher.
test('D6 a storm of timeouts ends every command, and the next ones go on', () => {
  const rig = new Rig({ settings: { queueCallsMax: 100 } })
  for (let n = 0; n < 50; n += 1) rig.enqueue(`c-${n}`, 'ClearCache', { timeoutMs: 10 })
  for (let n = 0; n < 50; n += 1) rig.tick(1_000_000 / 50)
  strictEqual(rig.settled.filter(({ outcome }) => outcome.reason === 'timeout').length, 50)
  rig.enqueue('after')
  rig.result(rig.sent.at(-1)?.[1], { status: 'Accepted' })
  strictEqual(outcomes(rig).at(-1), 'after accepted')
})

test('an answer after the timeout is an event that names the command; the outcome stands', () => {
  const rig = new Rig()
  rig.enqueue('c-1', 'ClearCache', { timeoutMs: 500 })
  rig.tick(500)
  rig.nowMs += 100
  rig.result('m-1', { status: 'Accepted' })
  const event = rig.event('command.late_answer')
  strictEqual(event.correlationid, 'c-1')
  deepStrictEqual(event.data, {
    commandId: 'c-1',
    latencyMs: 600,
    status: 'Accepted',
    response: { status: 'Accepted' }
  })
  deepStrictEqual(outcomes(rig), ['c-1 unknown timeout'])
  rig.result('m-1', { status: 'Accepted' })
  deepStrictEqual([rig.counted('late_answer'), rig.counted('unmatched_result')], [1, 1])
})

test('a late CALLERROR is a late answer too', () => {
  const rig = new Rig()
  rig.enqueue('c-1', 'ClearCache', { timeoutMs: 500 })
  rig.tick(500)
  rig.error('m-1', 'InternalError', 'late')
  deepStrictEqual(rig.event('command.late_answer').data.error, {
    code: 'InternalError',
    description: 'late',
    details: {}
  })
})

// Rule 49, MicroOcpp#22: a late result must never complete a later CALL.
test('a late answer never settles the CALL that is open now', () => {
  const rig = new Rig()
  rig.enqueue('c-1', 'ClearCache', { timeoutMs: 500 })
  rig.enqueue('c-2', 'ClearCache')
  rig.tick(500)
  strictEqual(rig.sent.length, 2)
  rig.result('m-1', { status: 'Rejected' })
  deepStrictEqual(outcomes(rig), ['c-1 unknown timeout'])
  rig.result('m-2', { status: 'Accepted' })
  deepStrictEqual(outcomes(rig), ['c-1 unknown timeout', 'c-2 accepted'])
})

test('the timed-out CALLs that are remembered are bounded', () => {
  const rig = new Rig({ settings: { queueCallsMax: 100 } })
  for (let n = 0; n <= lateCallsMax; n += 1) rig.enqueue(`c-${n}`, 'ClearCache', { timeoutMs: 10 })
  for (let n = 0; n <= lateCallsMax; n += 1) rig.tick(10)
  rig.result('m-1', { status: 'Accepted' })
  rig.result('m-2', { status: 'Accepted' })
  deepStrictEqual([rig.counted('unmatched_result'), rig.counted('late_answer')], [1, 1])
})

// D4: results were logged and thrown away, and another charger's answer was accepted.
test('D4 an answer with a foreign id settles nothing: only the own slot counts', () => {
  const first = new Rig()
  const second = new Rig()
  first.enqueue('c-1')
  second.enqueue('c-2', 'ClearCache')
  first.result('m-2', { status: 'Accepted' })
  first.error('m-7', 'GenericError')
  first.result(1, { status: 'Accepted' })
  deepStrictEqual([outcomes(first), outcomes(second)], [[], []])
  strictEqual(first.counted('unmatched_result'), 3)
  strictEqual(first.sent.length, 1)
})

test('rule 41: an invalid answer is unknown/invalid_response, and only 2.1 answers it', () => {
  for (const version of ['1.6', '2.0.1', '2.1'] as const) {
    const rig = new Rig({ version })
    rig.enqueue('c-1')
    rig.result('m-1', { status: 'Maybe' })
    deepStrictEqual(outcomes(rig), ['c-1 unknown invalid_response'])
    deepStrictEqual(rig.settled[0]?.outcome.response, { status: 'Maybe' })
    deepStrictEqual(
      rig.sent.slice(1).map((frame) => frame.slice(0, 3)),
      version === '2.1' ? [[5, 'm-1', 'PropertyConstraintViolation']] : []
    )
  }
})

test('quirk 14: a truncated answer fails its CALL at once, when its id can be read', () => {
  const rig = new Rig()
  rig.enqueue('c-1')
  rig.enqueue('c-2')
  rig.frame('[3,"m-1",{"status":"Acc')
  deepStrictEqual(outcomes(rig), ['c-1 unknown invalid_response'])
  strictEqual(rig.sent.length, 2)
  strictEqual(rig.event('protocol.violation').data.violation, 'not_json')
})

test('rule 41: on 2.1 a truncated CALLRESULT is answered with a CALLRESULTERROR', () => {
  const rig = new Rig({ version: '2.1' })
  rig.enqueue('c-1')
  rig.frame('[3,"m-1",{"status":"Acc')
  deepStrictEqual(rig.sent[1]?.slice(0, 2), [5, 'm-1'])
})

test('a broken answer to nobody is counted', () => {
  const rig = new Rig()
  rig.frame('[3,"m-9",{"status":"Acc')
  deepStrictEqual([rig.counted('unmatched_result'), rig.sent], [1, []])
})

test('quirk 21: a CALLRESULT for an unknown id is counted and never answered', () => {
  for (const version of ['1.6', '2.0.1', '2.1'] as const) {
    const rig = new Rig({ version })
    rig.result('nobody', {})
    rig.error('nobody', 'GenericError')
    deepStrictEqual([rig.counted('unmatched_result'), rig.sent], [2, []])
  }
})

test('the end of the connection: queued is offline, being cleared is offline, written is disconnected', () => {
  const rig = new Rig()
  rig.enqueue('written')
  rig.enqueue('queued')
  rig.close()
  deepStrictEqual(outcomes(rig), ['queued not_sent offline', 'written unknown disconnected'])
  const other = new Rig({ manual: ['clear'] })
  other.enqueue('clearing')
  other.close()
  deepStrictEqual(outcomes(other), ['clearing not_sent offline'])
})

test('a stop ends what is not written as shutting_down, lets the open CALL finish and takes nothing new', () => {
  const rig = new Rig()
  rig.enqueue('written')
  rig.enqueue('queued')
  rig.take(rig.session.stop(rig.nowMs))
  strictEqual(rig.session.settled, false)
  rig.enqueue('new')
  rig.result('m-1', { status: 'Accepted' })
  strictEqual(rig.session.settled, true)
  deepStrictEqual(outcomes(rig), ['queued not_sent shutting_down', 'new not_sent shutting_down', 'written accepted'])
})

test('a stop while the ledger is asked: nothing is written afterwards', () => {
  const rig = new Rig({ manual: ['clear'] })
  rig.enqueue('clearing')
  rig.take(rig.session.stop(rig.nowMs))
  deepStrictEqual(rig.take(rig.session.cleared('clearing', 'written', rig.nowMs)), [])
  deepStrictEqual(outcomes(rig), ['clearing not_sent shutting_down'])
})

test('an answer is awaited from the question to the ledger until the CALL has ended', () => {
  const rig = new Rig({ manual: ['clear'] })
  const seen = [rig.session.awaitsAnswer]
  rig.enqueue('c-1')
  seen.push(rig.session.awaitsAnswer)
  rig.take(rig.session.cleared('c-1', 'written', rig.nowMs))
  seen.push(rig.session.awaitsAnswer)
  rig.result('m-1', { status: 'Accepted' })
  seen.push(rig.session.awaitsAnswer)
  deepStrictEqual(seen, [false, true, true, false])
})

test('a CALL of the charge point is answered while a stop waits for an open command', () => {
  const rig = new Rig()
  rig.enqueue('written')
  rig.take(rig.session.stop(rig.nowMs))
  deepStrictEqual(rig.call('1', 'StatusNotification', v16Status), [3, '1', {}])
})

test('one alarm is asked for, the earliest, and only when it changes', () => {
  const rig = new Rig({ manual: ['clear'] })
  const { nowMs } = rig
  rig.enqueue('c-1', 'ClearCache', { timeoutMs: 500, expiresAtMs: nowMs + 700 })
  rig.take(rig.session.cleared('c-1', 'written', nowMs))
  rig.enqueue('c-2', 'ClearCache', { expiresAtMs: nowMs + 2000 })
  rig.enqueue('c-3', 'ClearCache', { expiresAtMs: nowMs + 100 })
  rig.call('h', 'Heartbeat', {})
  deepStrictEqual(
    rig.all('wake').map(({ atMs }) => atMs - nowMs),
    [700, 500, 100]
  )
  rig.tick(100)
  strictEqual(rig.wakeAtMs, nowMs + 500)
})

test('a tick that comes too early asks to be woken again', () => {
  const rig = new Rig()
  rig.enqueue('c-1', 'ClearCache', { timeoutMs: 500 })
  deepStrictEqual(rig.tick(1), [{ kind: 'wake', atMs: rig.nowMs + 499 }])
})

test('the words with an outcome say what to do', () => {
  const rig = new Rig({ settings: { queueCallsMax: 1 } })
  for (const id of ['a', 'b', 'c']) rig.enqueue(id)
  match(rig.settled[0]?.outcome.detail ?? '', /session\.queue_calls_max.*again/)
  rig.take(rig.session.close('connection_lost', totals, rig.nowMs))
  match(rig.settled[1]?.outcome.detail ?? '', /send it again/)
})
