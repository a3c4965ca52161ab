import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { DependencyState } from '../../src/gateway/views.ts'
import { GatewayHarness } from '../support/gateway.ts'

test('a gateway is ready from its start to its stop', async () => {
  const gateway = new GatewayHarness()
  deepStrictEqual(gateway.node.readiness().reasons, ['the gateway is starting'])
  strictEqual(gateway.metrics.gauges.get('ready{}')?.(), 0)
  gateway.node.started()
  deepStrictEqual(gateway.node.readiness().reasons, [])
  strictEqual(gateway.metrics.gauges.get('ready{}')?.(), 1)
  await gateway.node.stop(100)
  deepStrictEqual(gateway.node.readiness().reasons, ['the gateway is stopping'])
})

test('each dependency has a metric of its own, which is 1 only while it is up', () => {
  const gateway = new GatewayHarness()
  let state: DependencyState['state'] = 'degraded'
  gateway.node.dependsOn(() => ({ name: 'redis', state, sinceMs: 7 }))
  const up = (name: string) => gateway.metrics.gauges.get(`dependency_up{${name}}`)?.()
  deepStrictEqual([up('redis'), up('event_log')], [0, 1])
  state = 'up'
  gateway.log.logState = { ...gateway.log.logState, full: true, heldBy: ['billing'] }
  deepStrictEqual([up('redis'), up('event_log')], [1, 0])
  state = 'down'
  deepStrictEqual([up('redis'), gateway.node.readiness().dependencies[1]?.state], [0, 'down'])
})

test('a log that is full, or fails, is no longer ready, and says why, since when and what to do', () => {
  const gateway = new GatewayHarness()
  gateway.node.started()
  const good = gateway.log.logState
  gateway.clock.advance(1_000)
  const fullAtMs = gateway.clock.now()
  gateway.log.logState = { ...good, full: true, heldBy: ['billing'] }
  const [full] = gateway.node.readiness().dependencies
  deepStrictEqual([full?.state, full?.sinceMs], ['degraded', fullAtMs])
  match(gateway.node.readiness().reasons[0] ?? '', /held by billing/)
  gateway.clock.advance(1_000)
  strictEqual(gateway.node.readiness().dependencies[0]?.sinceMs, fullAtMs)

  gateway.log.logState = { ...good, failing: { sinceMs: 17, error: 'ENOSPC' } }
  const [down] = gateway.node.readiness().dependencies
  deepStrictEqual([down?.state, down?.sinceMs], ['down', 17])
  match(gateway.node.readiness().reasons[0] ?? '', /ENOSPC.*nothing is lost/)

  gateway.log.logState = good
  deepStrictEqual(gateway.node.readiness(), {
    ready: true,
    reasons: [],
    dependencies: [{ name: 'event_log', state: 'up', sinceMs: gateway.clock.now() }]
  })
})
