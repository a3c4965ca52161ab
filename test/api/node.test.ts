import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { encodeCursor } from '../../src/api/cursor.ts'
import { GatewayError } from '../../src/lib/gateway-error.ts'
import { Harness } from './support/harness.ts'

test('a node tells its state, its stages and its log', async () => {
  const harness = new Harness()
  harness.log.fill(10)
  harness.log.trimTo(3)
  deepStrictEqual((await harness.call('/v1/node')).json(), {
    id: 'gw-0',
    version: '0.1.0',
    startedAt: '2026-11-23T09:58:30.000Z',
    uptimeS: 90,
    connections: 2,
    ready: true,
    reasons: [],
    dependencies: [{ name: 'event_log', state: 'up', since: '2026-11-23T10:00:00.000Z' }],
    stages: [{ stage: 'log', depth: 1, highWater: 9 }],
    log: {
      id: 'log-a',
      oldest: encodeCursor('log-a', 2),
      latest: encodeCursor('log-a', 10),
      events: 8,
      bytes: 1000,
      bytesMax: 5000,
      full: false,
      heldBy: []
    },
    readers: 0
  })
})

test('live and ready are apart', async () => {
  const harness = new Harness()
  deepStrictEqual((await harness.call('/health/ready')).statusCode, 200)
  harness.reasons = ['the event log is full: held by billing', 'no space left on device']
  const ready = await harness.call('/health/ready')
  strictEqual(ready.statusCode, 503)
  strictEqual(ready.json().code, 'not_ready')
  deepStrictEqual(ready.json().reasons, harness.reasons)
  strictEqual(ready.json().dependencies[0].state, 'down')
  deepStrictEqual((await harness.call('/health/live')).json(), { status: 'live' })
  strictEqual((await harness.call('/v1/node')).json().ready, false)
})

test('health can be asked with HEAD, a stream cannot', async () => {
  const harness = new Harness()
  strictEqual((await harness.api.inject({ method: 'HEAD', url: '/health/live' })).statusCode, 200)
  strictEqual((await harness.api.inject({ method: 'HEAD', url: '/v1/events' })).statusCode, 404)
})

test('schemas are listed and served', async () => {
  const harness = new Harness()
  deepStrictEqual((await harness.call('/v1/schemas')).json(), {
    schemas: [{ type: 'meter.values', url: '/v1/schemas/meter.values' }]
  })
  const schema = await harness.call('/v1/schemas/meter.values')
  strictEqual(schema.headers['content-type'], 'application/schema+json; charset=utf-8')
  deepStrictEqual(schema.json(), { title: 'meter.values', type: 'object' })
  strictEqual((await harness.call('/v1/schemas/nothing')).json().code, 'schema_unknown')
})

test('what fails inside is a 500 that tells nothing, and a log line; what may be tried again is a 503', async () => {
  const harness = new Harness()
  harness.fails = new Error('secret detail')
  const failed = await harness.call('/v1/charge-points/CP-1')
  deepStrictEqual([failed.statusCode, failed.json().code], [500, 'internal_error'])
  strictEqual(failed.body.includes('secret detail'), false)
  deepStrictEqual(harness.logged, ['An API request failed.'])
  harness.fails = new GatewayError('store_busy', 'the store is busy', { canRetry: true })
  const later = await harness.call('/v1/charge-points/CP-1')
  deepStrictEqual([later.statusCode, later.json().code, later.json().detail], [503, 'unavailable', 'the store is busy'])
  harness.fails = new GatewayError('registry_unavailable', 'Redis cannot be used', { canRetry: true })
  const away = await harness.call('/v1/charge-points/CP-1')
  deepStrictEqual([away.statusCode, away.json().code], [503, 'registry_unavailable'])
})

test('a route that does not exist is a 404 problem', async () => {
  const harness = new Harness()
  for (const request of [{ url: '/nowhere' }, { url: '/v1/' }, { method: 'PATCH' as const, url: '/v1/node' }]) {
    const response = await harness.api.inject(request)
    deepStrictEqual([response.statusCode, response.json().code], [404, 'not_found'])
    strictEqual(response.headers['content-type'], 'application/problem+json; charset=utf-8')
  }
})
