import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { type ConversationParts, LiveConversation } from '../../src/gateway/conversation.ts'
import { GatewayCounters } from '../../src/gateway/counters.ts'
import { EventPipeline } from '../../src/gateway/pipeline.ts'
import type { EventLog } from '../../src/ports/event-log.ts'
import type { WriteVerdict } from '../../src/ports/ledger.ts'
import type { ChargePointSession, Effect } from '../../src/session/effect.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeWire, turn } from '../support/gateway.ts'
import { memoryLogger } from '../support/memory-logger.ts'
import { MemoryLog, MemoryMetrics, MemoryStore } from '../support/memory-ports.ts'

const say = (text: string): Effect => ({ kind: 'send', text, frame: { kind: 'call_result' } })
const ask = (ticket: number): Effect => ({
  kind: 'decide',
  ticket,
  request: { chargePointId: 'CP-1', version: '1.6', action: 'Authorize', kind: 'authorize', idToken: { value: 'T' } }
})
const command = {
  commandId: 'c-1',
  action: 'Reset',
  payload: {},
  priority: 'normal',
  timeoutMs: 1000,
  expiresAtMs: 1e15
} as const

interface Script {
  frame?: (text: string) => readonly Effect[]
  decided?: (ticket: number) => readonly Effect[]
  identified?: (ticket: number, id: number) => readonly Effect[]
  cleared?: (commandId: string, verdict: WriteVerdict) => readonly Effect[]
  enqueue?: () => readonly Effect[]
  tick?: () => readonly Effect[]
  close?: () => readonly Effect[]
}

function harness(script: Script, changes: Partial<ConversationParts> = {}, capacity = 1000) {
  const clock = new FakeClock()
  const log = new MemoryLog(new MemoryStore())
  const logger = memoryLogger()
  const seen: string[] = []
  const state = { unanswered: 0, awaitsAnswer: false, settled: true }
  const session = {
    chargePointId: 'CP-1',
    version: '1.6',
    epoch: 5,
    queuedCalls: 0,
    record: { chargePointId: 'CP-1', epoch: 5, version: '1.6', connections: [] },
    lastSeenAtMs: 0,
    get unanswered() {
      return state.unanswered
    },
    get awaitsAnswer() {
      return state.awaitsAnswer
    },
    get settled() {
      return state.settled
    },
    open: () => [],
    frame: (text: string) => {
      seen.push(`frame ${text}`)
      return script.frame?.(text) ?? []
    },
    decided: (ticket: number) => {
      seen.push(`decided ${ticket}`)
      return script.decided?.(ticket) ?? []
    },
    identified: (ticket: number, id: number) => script.identified?.(ticket, id) ?? [],
    durable: (ticket: number) => {
      seen.push(`durable ${ticket}`)
      return []
    },
    enqueue: () => {
      seen.push('enqueue')
      return script.enqueue?.() ?? []
    },
    cleared: (commandId: string, verdict: WriteVerdict) => {
      seen.push(`cleared ${verdict}`)
      return script.cleared?.(commandId, verdict) ?? []
    },
    cancel: () => [],
    tick: () => {
      seen.push('tick')
      return script.tick?.() ?? []
    },
    stop: () => [],
    close: (reason: string) => {
      seen.push(`close ${reason}`)
      return script.close?.() ?? []
    }
  } satisfies ChargePointSession
  const pipeline = new EventPipeline({
    log: log as unknown as EventLog,
    capacity,
    onPressure: () => undefined,
    onFailure: () => undefined
  })
  const parts: ConversationParts = {
    clock,
    authority: { admit: () => ({ allowed: true }), decide: () => ({ decidedBy: 'local' }), onRevoked: () => () => {} },
    directory: { nextTransactionId: () => 17 },
    ledger: { markWritten: async () => 'written' },
    pipeline,
    counters: new GatewayCounters(new MemoryMetrics()),
    logger,
    callsInFlightMax: 4,
    settle: (commandId, outcome) => seen.push(`settle ${commandId} ${outcome.outcome}/${outcome.reason}`),
    held: () => seen.push('held'),
    ended: () => seen.push('ended'),
    ...changes
  }
  const wire = new FakeWire()
  const conversation = new LiveConversation(parts, session, wire, '10.0.0.1')
  return { conversation, wire, seen, state, clock, log, logger, pipeline }
}

test('effects are carried out in their order; what they cause comes after all of them', () => {
  const { conversation, wire } = harness({
    frame: () => [say('1'), ask(1), say('2')],
    decided: () => [say('3')]
  })
  conversation.frame('x')
  deepStrictEqual(wire.sent, ['1', '2', '3'])
})

test('inputs that come while effects are carried out wait, and keep their order', () => {
  const { conversation, wire, seen } = harness({
    frame: (text) => (text === 'first' ? [ask(1), ask(2), say('first')] : [say(text)]),
    decided: (ticket) => {
      if (ticket === 1) conversation.frame('second')
      return [say(`decided ${ticket}`)]
    }
  })
  conversation.frame('first')
  deepStrictEqual(wire.sent, ['first', 'decided 1', 'decided 2', 'second'])
  deepStrictEqual(seen, ['frame first', 'decided 1', 'decided 2', 'frame second'])
})

test('a decision, an id and a clearance that come later are fed back', async () => {
  const { conversation, wire } = harness(
    {
      frame: () => [ask(1), { kind: 'identify', ticket: 2 }, { kind: 'clear', commandId: 'c-1', atMs: 0 }],
      decided: (ticket) => [say(`decided ${ticket}`)],
      identified: (ticket, id) => [say(`identified ${ticket} ${id}`)],
      cleared: (id, verdict) => [say(`cleared ${id} ${verdict}`)]
    },
    {
      authority: {
        admit: () => ({ allowed: true }),
        decide: async () => ({ decidedBy: 'local' }),
        onRevoked: () => () => {}
      },
      directory: { nextTransactionId: async () => 18 },
      ledger: { markWritten: async () => 'ledger_lost' }
    }
  )
  conversation.frame('x')
  deepStrictEqual(wire.sent, [])
  await turn()
  deepStrictEqual(wire.sent.sort(), ['cleared c-1 ledger_lost', 'decided 1', 'identified 2 18'])
})

test('a ledger that does not answer lets nothing be written', async () => {
  const { conversation, seen } = harness(
    { frame: () => [{ kind: 'clear', commandId: 'c-1', atMs: 0 }] },
    { ledger: { markWritten: () => Promise.reject(new Error('away')) } }
  )
  conversation.frame('x')
  await turn()
  deepStrictEqual(seen, ['frame x', 'cleared ledger_lost'])
})

for (const [what, broken] of [
  [
    'authority',
    {
      authority: {
        admit: () => ({ allowed: true }),
        decide: () => Promise.reject(new Error('no')),
        onRevoked: () => () => {}
      }
    }
  ],
  ['source of transaction ids', { directory: { nextTransactionId: () => Promise.reject(new Error('no')) } }]
] as const) {
  test(`a failing ${what} costs this connection, and is logged`, async () => {
    const { conversation, wire, seen, logger } = harness(
      { frame: () => [what === 'authority' ? ask(1) : { kind: 'identify', ticket: 1 }] },
      broken as Partial<ConversationParts>
    )
    conversation.frame('x')
    await turn()
    deepStrictEqual(wire.closes, ['internal_error'])
    deepStrictEqual(seen, ['frame x', 'close internal_error', 'ended'])
    strictEqual(logger.lines.filter(({ level }) => level === 'error').length, 1)
  })
}

test('a session that throws costs its own connection alone, which still says good-bye (promise 7)', () => {
  const { conversation, wire, seen, logger } = harness({
    frame: () => {
      throw new Error('ours')
    },
    close: () => [{ kind: 'settle', commandId: 'c-1', outcome: { outcome: 'not_sent', reason: 'offline' } }]
  })
  conversation.frame('x')
  deepStrictEqual(wire.closes, ['internal_error'])
  deepStrictEqual(seen, ['frame x', 'close internal_error', 'settle c-1 not_sent/offline', 'ended'])
  match(logger.lines[0]?.message ?? '', /the session failed/)
  conversation.frame('y')
  conversation.closed('connection_lost')
  strictEqual(seen.length, 4, 'nothing reaches it any more')
})

test('a session that cannot even be closed throws at nobody, and has ended', () => {
  const bang = () => {
    throw new Error('ours')
  }
  const { conversation, wire, seen } = harness({ frame: bang, close: bang })
  conversation.frame('x')
  deepStrictEqual([wire.closes, seen.at(-1), conversation.ended], [['internal_error'], 'ended', true])
})

test('an end comes once: the session hears the first reason, the node hears once', () => {
  const { conversation, wire, seen } = harness({})
  conversation.end('replaced')
  conversation.closed('connection_lost')
  conversation.end('shutting_down')
  deepStrictEqual(seen, ['close replaced', 'ended'])
  deepStrictEqual(wire.closes, ['replaced'])
})

test('a session that asks for the close has its effects before it carried out', () => {
  const { conversation, wire, seen } = harness({ frame: () => [say('last'), { kind: 'close', reason: 'bad_frames' }] })
  conversation.frame('x')
  deepStrictEqual([wire.sent, wire.closes], [['last'], ['bad_frames']])
  deepStrictEqual(seen, ['frame x', 'close bad_frames', 'ended'])
})

test('a command for a conversation that has just ended is settled, not lost', () => {
  const { conversation, seen } = harness({})
  conversation.closed('connection_lost')
  conversation.enqueue(command)
  deepStrictEqual(seen.slice(2), ['settle c-1 not_sent/offline'])
})

test('a command that comes while the session is closing is settled, not lost', async () => {
  const { conversation, seen } = harness({
    frame: () => [ask(1)],
    decided: () => {
      conversation.enqueue(command)
      return [{ kind: 'close', reason: 'bad_frames' }]
    }
  })
  conversation.frame('x')
  await turn()
  strictEqual(seen.filter((line) => line.startsWith('settle c-1')).length, 1)
  strictEqual(seen.includes('enqueue'), false)
})

test('the newest alarm counts, and none rings after the end', () => {
  const at = (ms: number): Effect => ({ kind: 'wake', atMs: Date.UTC(2026, 10, 23, 10) + ms })
  const { conversation, clock, seen } = harness({ frame: (text) => [at(Number(text))] })
  conversation.frame('1000')
  conversation.frame('500')
  clock.advance(499)
  strictEqual(seen.includes('tick'), false)
  clock.advance(1)
  strictEqual(seen.filter((line) => line === 'tick').length, 1)
  clock.advance(10_000)
  strictEqual(seen.filter((line) => line === 'tick').length, 1)
  conversation.frame('20000')
  conversation.closed('connection_lost')
  clock.advance(60_000)
  strictEqual(seen.filter((line) => line === 'tick').length, 1)
})

test('an end takes its alarm along', () => {
  let cancelled = 0
  const clock = { now: () => 0, after: () => () => void cancelled++ }
  const { conversation } = harness({ frame: () => [{ kind: 'wake', atMs: 1_000 }] }, { clock })
  conversation.frame('x')
  conversation.closed('connection_lost')
  strictEqual(cancelled, 1)
})

test('a socket with calls_in_flight_max unanswered CALLs is not read until half are answered', () => {
  const { conversation, wire, state } = harness({})
  state.unanswered = 3
  conversation.frame('x')
  deepStrictEqual([...wire.holds], [])
  state.unanswered = 4
  conversation.frame('x')
  deepStrictEqual([...wire.holds], ['inflight'])
  state.unanswered = 3
  conversation.durable(1)
  deepStrictEqual([...wire.holds], ['inflight'])
  state.unanswered = 2
  conversation.durable(2)
  deepStrictEqual([...wire.holds], [])
})

test('who speaks while the pipeline is full is held, once, and heard when there is room', async () => {
  const { conversation, wire, seen, pipeline } = harness({ frame: () => [] }, {}, 1)
  const entries = [{ event: { subject: 'CP-1', type: 'x' } as never, changes: [] }]
  pipeline.publish(entries)
  conversation.frame('x')
  conversation.frame('y')
  deepStrictEqual([...wire.holds], ['log'])
  deepStrictEqual(seen, ['held'], 'no frame becomes an event while there is no room for one')
  conversation.releaseFromLog()
  deepStrictEqual([...wire.holds], ['log'], 'there is still no room')
  pipeline.flush()
  await new Promise((resolve) => setImmediate(resolve))
  conversation.releaseFromLog()
  deepStrictEqual([...wire.holds], [])
  deepStrictEqual(
    seen.filter((line) => line.startsWith('frame')),
    ['frame x', 'frame y']
  )
})

test('at a stop a station that talks on is not read any more, unless it owes an answer', () => {
  const { conversation, wire, state } = harness({})
  state.settled = false
  state.awaitsAnswer = true
  strictEqual(conversation.quiet(), false)
  deepStrictEqual([...wire.holds], [])
  state.awaitsAnswer = false
  strictEqual(conversation.quiet(), false)
  deepStrictEqual([...wire.holds], ['stop'])
  state.settled = true
  strictEqual(conversation.quiet(), true)
})
