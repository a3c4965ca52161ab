import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { chargePoint, Harness, nowMs } from './support/harness.ts'

function withThree(): Harness {
  const harness = new Harness()
  for (const id of ['CP-1', 'CP-2', 'CP-3']) harness.views.set(id, chargePoint(id, {}, id !== 'CP-2'))
  return harness
}

test('charge points are listed in pages by id', async () => {
  const harness = withThree()
  const first = (await harness.call('/v1/charge-points?limit=2')).json()
  deepStrictEqual(
    first.chargePoints.map(({ id }: { id: string }) => id),
    ['CP-1', 'CP-2']
  )
  const second = (await harness.call(`/v1/charge-points?limit=2&after=${first.next}`)).json()
  deepStrictEqual(
    second.chargePoints.map(({ id }: { id: string }) => id),
    ['CP-3']
  )
  strictEqual(second.next, undefined)
})

test('charge points are filtered by connected', async () => {
  const harness = withThree()
  const connected = (await harness.call('/v1/charge-points?connected=true')).json()
  deepStrictEqual(
    connected.chargePoints.map(({ id }: { id: string }) => id),
    ['CP-1', 'CP-3']
  )
  const away = (await harness.call('/v1/charge-points?connected=false')).json()
  deepStrictEqual(
    away.chargePoints.map(({ id }: { id: string }) => id),
    ['CP-2']
  )
})

test('a charge point shows what is remembered and its live session', async () => {
  const harness = new Harness()
  const registration = { status: 'accepted', intervalS: 300, decidedAtMs: nowMs } as const
  harness.views.set('CP-1', chargePoint('CP-1', { vendor: 'Acme', model: 'W', firmware: '1.2', registration }))
  const body = (await harness.call('/v1/charge-points/CP-1')).json()
  deepStrictEqual(body, {
    id: 'CP-1',
    connected: true,
    version: '1.6',
    epoch: 7,
    node: 'gw-0',
    vendor: 'Acme',
    model: 'W',
    firmware: '1.2',
    registration: { status: 'accepted', intervalS: 300, decidedAt: '2026-11-23T10:00:00.000Z' },
    connectedAt: '2026-11-23T09:59:00.000Z',
    lastSeenAt: '2026-11-23T09:59:59.000Z',
    remoteAddress: '10.0.0.7',
    queuedCalls: 2,
    connections: [
      { epoch: 7, node: 'gw-0', version: '1.6', remoteAddress: '10.0.0.7', connectedAt: '2026-11-23T09:59:00.000Z' }
    ]
  })
})

test('a charge point tells why its last connection ended, in words', async () => {
  const harness = new Harness()
  const ended = {
    epoch: 6,
    node: 'gw-0',
    version: '1.6',
    remoteAddress: '10.0.0.7',
    connectedAtMs: nowMs - 5000,
    disconnectedAtMs: nowMs - 1000,
    reason: 'idle_timeout'
  } as const
  harness.views.set('CP-1', chargePoint('CP-1', { connections: [ended] }, false))
  harness.views.set('CP-2', chargePoint('CP-2', { connections: [{ ...ended, reason: 'node_lost' }] }, false))
  const body = (await harness.call('/v1/charge-points/CP-1')).json()
  strictEqual(body.connected, false)
  deepStrictEqual(body.lastDisconnect, {
    at: '2026-11-23T09:59:59.000Z',
    reason: 'idle_timeout',
    text: 'nothing was heard within server.idle_timeout'
  })
  strictEqual(body.connections[0].durationMs, 4000)
  const lost = (await harness.call('/v1/charge-points/CP-2')).json()
  strictEqual(lost.lastDisconnect.text, 'the gateway ended without closing its connections')
})

test('ids in paths are percent-decoded', async () => {
  const harness = new Harness()
  const id = 'Säule 1/ä?#%'
  harness.views.set(id, chargePoint(id))
  strictEqual((await harness.call(`/v1/charge-points/${encodeURIComponent(id)}`)).json().id, id)
  const long = 'x'.repeat(500)
  strictEqual((await harness.call(`/v1/charge-points/${long}`)).json().code, 'charge_point_unknown')
})

test('a path that cannot be decoded is a 400 problem', async () => {
  const harness = new Harness()
  for (const url of [
    '/v1/charge-points/%ZZ',
    '/v1/charge-points/%',
    '/v1/commands/%C3%28',
    '/%ZZ',
    '/v1/charge-points/%E0%A4%A/commands'
  ]) {
    const response = await harness.api.inject({ url })
    strictEqual(response.statusCode, 400, url)
    strictEqual(response.json().code, 'invalid_request')
    strictEqual(response.headers['content-type'], 'application/problem+json; charset=utf-8')
  }
})

test('a connection is closed through the API', async () => {
  const harness = withThree()
  strictEqual((await harness.call({ method: 'DELETE', url: '/v1/charge-points/CP-1/connection' })).statusCode, 204)
  deepStrictEqual(harness.disconnected, ['CP-1'])
  const away = await harness.call({ method: 'DELETE', url: '/v1/charge-points/CP-2/connection' })
  deepStrictEqual([away.statusCode, away.json().code], [409, 'charge_point_offline'])
  const unknown = await harness.call({ method: 'DELETE', url: '/v1/charge-points/CP-9/connection' })
  deepStrictEqual([unknown.statusCode, unknown.json().code], [404, 'charge_point_unknown'])
})

test('a query that is not understood is refused and named', async () => {
  const harness = new Harness()
  const wrong = {
    '/v1/charge-points?connected=maybe': 'query member `connected` must be boolean',
    '/v1/charge-points?limit=0': 'query member `limit` must be >= 1',
    '/v1/charge-points?limit=51': 'query member `limit` must be <= 50',
    '/v1/charge-points?conected=true': 'query has an unknown member `conected`'
  }
  for (const [url, detail] of Object.entries(wrong)) {
    const response = await harness.call(url)
    deepStrictEqual(
      [response.statusCode, response.json().code, response.json().detail],
      [400, 'invalid_request', detail]
    )
  }
})
