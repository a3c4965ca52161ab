import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { busDependency, commandsDependency } from '../../src/gateway/bus-state.ts'

const up = { kind: 'up', sinceMs: 1_000 } as const
const broker = { answersAfter: 'broker', sinceMs: 500 } as const
const local = { answersAfter: 'local', sinceMs: 2_000 } as const

test('a bus that takes events is up', () => {
  const forwarder = { sink: up, backlog: 3, lagging: [], makesStubs: false }
  deepStrictEqual(busDependency('kafka', forwarder), { name: 'kafka', state: 'up', sinceMs: 1_000 })
  deepStrictEqual(busDependency('kafka', forwarder, broker), { name: 'kafka', state: 'up', sinceMs: 1_000 })
})

test('a bus that is away says why, since when, and what still works', () => {
  const sink = { kind: 'misconfigured', sinceMs: 9, detail: 'there is no topic ocpp-events-up: create it' } as const
  deepStrictEqual(busDependency('kafka', { sink, backlog: 7, lagging: [], makesStubs: false }, local), {
    name: 'kafka',
    state: 'down',
    sinceMs: 9,
    detail:
      'there is no topic ocpp-events-up: create it; 7 events wait in the local log and nothing is lost; messages are answered from the local log'
  })
  deepStrictEqual(
    busDependency('kafka', { sink: { kind: 'down', sinceMs: 9 }, backlog: 7, lagging: [], makesStubs: false }, broker),
    {
      name: 'kafka',
      state: 'down',
      sinceMs: 9,
      detail:
        'kafka is down; 7 events wait in the local log and nothing is lost; messages are answered once it has them, or after delivery.broker_patience'
    }
  )
  deepStrictEqual(
    busDependency('kafka', { sink: { kind: 'starting', sinceMs: 9 }, backlog: 0, lagging: [], makesStubs: false })
      .state,
    'degraded'
  )
})

test('a bus that is up and behind is degraded since it fell behind, not since it is up', () => {
  deepStrictEqual(
    busDependency('kafka', { sink: up, backlog: 7, lagging: [2, 5], makesStubs: false, laggingSinceMs: 4_000 }, broker),
    {
      name: 'kafka',
      state: 'degraded',
      sinceMs: 4_000,
      detail:
        'partitions 2, 5 are behind; 7 events wait in the local log and nothing is lost; messages are answered once it has them, or after delivery.broker_patience'
    }
  )
  deepStrictEqual(busDependency('kafka', { sink: up, backlog: 7, lagging: [], makesStubs: false }, local), {
    name: 'kafka',
    state: 'degraded',
    sinceMs: 2_000,
    detail:
      'kafka is catching up; 7 events wait in the local log and nothing is lost; messages are answered from the local log'
  })
})

test('a bus whose topic is too small for some events is up, and says what to raise', () => {
  const {
    state,
    sinceMs,
    detail = ''
  } = busDependency('kafka', { sink: up, backlog: 0, lagging: [], makesStubs: true })
  deepStrictEqual([state, sinceMs], ['up', 1_000])
  match(detail, /too large for the topic.*raise max\.message\.bytes of kafka\.events_topic/)
})

test('a topic of commands that cannot be read is told apart from the events', () => {
  deepStrictEqual(commandsDependency('k', { kind: 'up', sinceMs: 5 }), { name: 'k', state: 'up', sinceMs: 5 })
  strictEqual(commandsDependency('k', { kind: 'starting', sinceMs: 5 }).state, 'degraded')
  const missing = commandsDependency('k', { kind: 'misconfigured', sinceMs: 5, detail: 'no topic' })
  strictEqual(missing.state, 'down')
  strictEqual(missing.detail, 'no topic; commands wait there, those of the API go on')
})

test('a fault that is told as a sentence runs on into what still works', () => {
  const state = { kind: 'misconfigured', sinceMs: 9, detail: 'The topic does not exist. Create it.' } as const
  strictEqual(
    commandsDependency('kafka_commands', state).detail,
    'The topic does not exist. Create it; commands wait there, those of the API go on'
  )
})
