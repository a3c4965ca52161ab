import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
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
