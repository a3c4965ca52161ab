import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { GatewayCounters } from '../../src/gateway/counters.ts'
import { MemoryMetrics } from '../support/memory-ports.ts'

test('frames, answers by code, oddities, decisions, refusals and outcomes are counted by their labels', () => {
  const metrics = new MemoryMetrics()
  const counters = new GatewayCounters(metrics)
  for (let n = 0; n < 3; n++) counters.sent({ kind: 'call_result', action: 'Heartbeat' })
  counters.sent({ kind: 'call', action: 'Reset' })
  counters.sent({ kind: 'call_error', code: 'NotImplemented' })
  counters.oddity('leniency', 2)
  counters.decided('local')
  counters.refused('no_subprotocol')
  counters.settled('not_sent', 'offline')
  counters.settled('accepted', '')
  deepStrictEqual(Object.fromEntries(metrics.counts), {
    'frames_sent_total{call_result}': 3,
    'calls_answered_total{ok}': 3,
    'frames_sent_total{call}': 1,
    'frames_sent_total{call_error}': 1,
    'calls_answered_total{NotImplemented}': 1,
    'oddities_total{leniency}': 2,
    'authority_decisions_total{local}': 1,
    'connections_refused_total{no_subprotocol}': 1,
    'commands_total{not_sent,offline}': 1,
    'commands_total{accepted,}': 1
  })
})

test('counting makes no handle twice', () => {
  const metrics = new MemoryMetrics()
  const counters = new GatewayCounters(metrics)
  const count = () => {
    counters.sent({ kind: 'call_result' })
    counters.sent({ kind: 'call_error', code: 'InternalError' })
    counters.oddity('violation', 1)
    counters.settled('unknown', 'timeout')
  }
  count()
  const { made } = metrics
  for (let n = 0; n < 10; n++) count()
  strictEqual(metrics.made, made)
})
