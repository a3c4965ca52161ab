import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { chargePoint, Harness } from './support/harness.ts'

const reset = { type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Soft' } } }
const url = '/v1/charge-points/CP-1/commands'

test('a command is accepted with 202 and its place', async () => {
  const harness = new Harness()
  const response = await harness.call({
    method: 'POST',
    url,
    payload: { id: 'c 1', ...reset, timeoutMs: 5000, priority: 'high' }
  })
  strictEqual(response.statusCode, 202)
  strictEqual(response.headers.location, '/v1/commands/c%201')
  const body = response.json()
  strictEqual(body.state, 'queued')
  strictEqual(body.requestedBy, 'api')
  deepStrictEqual([body.timeoutMs, body.priority], [5000, 'high'])
  const found = await harness.call('/v1/commands/c%201')
  deepStrictEqual(found.json(), body)
})

test('Prefer: wait answers with the outcome when it comes in time', async () => {
  const harness = new Harness()
  harness.desk.settleWith = { outcome: 'accepted', status: 'Accepted', response: { status: 'Accepted' } }
  const response = await harness.call({
    method: 'POST',
    url,
    payload: reset,
    headers: { prefer: 'respond-async, wait=30' }
  })
  strictEqual(response.statusCode, 200)
  strictEqual(response.headers['preference-applied'], 'wait=30')
  const { outcome, status, response: answer } = response.json()
  deepStrictEqual(
    { outcome, status, answer },
    { outcome: 'accepted', status: 'Accepted', answer: { status: 'Accepted' } }
  )
})

test('Prefer: wait answers 202 when no outcome comes in time, and is bounded by the setting', async () => {
  const harness = new Harness({ waitMsMax: 1000 })
  const response = await harness.call({ method: 'POST', url, payload: reset, headers: { prefer: 'wait=900' } })
  strictEqual(response.statusCode, 202)
  strictEqual(response.headers['preference-applied'], 'wait=1')
  deepStrictEqual(harness.desk.waits, [1000])
})

test('an unreadable preference is ignored', async () => {
  const harness = new Harness()
  for (const prefer of ['wait', 'wait=x', 'wait=-1', 'return=minimal']) {
    const response = await harness.call({ method: 'POST', url, payload: reset, headers: { prefer } })
    deepStrictEqual([response.statusCode, response.headers['preference-applied']], [202, undefined])
  }
})

test('the same id and body is the same command', async () => {
  const harness = new Harness()
  const payload = { id: 'c-1', ...reset }
  strictEqual((await harness.call({ method: 'POST', url, payload })).statusCode, 202)
  strictEqual((await harness.call({ method: 'POST', url, payload })).statusCode, 202)
  harness.desk.settle('c-1', { outcome: 'rejected', status: 'Rejected' })
  const settled = await harness.call({ method: 'POST', url, payload })
  deepStrictEqual([settled.statusCode, settled.json().outcome], [200, 'rejected'])
  strictEqual(harness.desk.commands.size, 1)
})

test('the same id with another body or charge point is a conflict', async () => {
  const harness = new Harness()
  await harness.call({ method: 'POST', url, payload: { id: 'c-1', ...reset } })
  const hard = { id: 'c-1', type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Hard' } } }
  for (const request of [
    { url, payload: hard },
    { url: '/v1/charge-points/CP-2/commands', payload: { id: 'c-1', ...reset } }
  ]) {
    const response = await harness.call({ method: 'POST', ...request })
    deepStrictEqual([response.statusCode, response.json().code], [409, 'command_id_conflict'])
  }
})

test('what the desk refuses is told', async () => {
  const harness = new Harness()
  harness.desk.nextAnswer = { kind: 'invalid', detail: '`transaction.begin` is no command' }
  const invalid = await harness.call({ method: 'POST', url, payload: reset })
  deepStrictEqual(
    [invalid.statusCode, invalid.json().code, invalid.json().detail],
    [400, 'command_invalid', '`transaction.begin` is no command']
  )
  for (const [kind, code] of [
    ['unavailable', 'commands_unavailable'],
    ['registry_unavailable', 'registry_unavailable']
  ] as const) {
    harness.desk.nextAnswer = { kind, detail: 'not now' }
    const unavailable = await harness.call({ method: 'POST', url, payload: reset })
    deepStrictEqual([unavailable.statusCode, unavailable.json().code], [503, code])
  }
})

test('a body that is no command is refused before the desk', async () => {
  const harness = new Harness()
  const wrong: [object, string][] = [
    [{ data: {} }, "body must have required property 'type'"],
    [{ type: 'ocpp.call', data: 'x' }, 'body member `data` must be object'],
    [{ ...reset, timeoutms: 5 }, 'body has an unknown member `timeoutms`'],
    [{ ...reset, timeoutMs: '5' }, 'body member `timeoutMs` must be integer'],
    [{ ...reset, priority: 'urgent' }, 'body member `priority` must be one of high, normal'],
    [{ ...reset, expiresAt: 'soon' }, 'body member `expiresAt` must match format "date-time"'],
    [{ ...reset, id: '' }, 'body member `id` must NOT have fewer than 1 characters'],
    [{ ...reset, id: 'a\u0001b' }, 'body member `id` must match pattern "^[\\x20-\\x7e]+$"']
  ]
  for (const [payload, detail] of wrong) {
    const response = await harness.call({ method: 'POST', url, payload })
    deepStrictEqual([response.statusCode, response.json().detail], [400, detail])
  }
  strictEqual(harness.desk.commands.size, 0)
})

test('a body that is not JSON is refused', async () => {
  const harness = new Harness()
  const broken = await harness.call({
    method: 'POST',
    url,
    payload: '{"type":',
    headers: { 'content-type': 'application/json' }
  })
  deepStrictEqual([broken.statusCode, broken.json().code], [400, 'invalid_request'])
  const none = await harness.call({ method: 'POST', url })
  deepStrictEqual([none.statusCode, none.json().code], [400, 'invalid_request'])
  for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
    const text = await harness.call({
      method: 'POST',
      url,
      payload: JSON.stringify(reset),
      headers: { 'content-type': type }
    })
    deepStrictEqual([text.statusCode, text.json().code], [415, 'media_type_unsupported'])
  }
  const large = await harness.call({ method: 'POST', url, payload: { ...reset, data: { x: 'x'.repeat(17_000) } } })
  deepStrictEqual([large.statusCode, large.json().code], [413, 'request_too_large'])
  match(large.json().detail, /16384/)
})

test('recent commands of a charge point are listed, newest first', async () => {
  const harness = new Harness()
  for (const id of ['c-1', 'c-2', 'c-3']) await harness.call({ method: 'POST', url, payload: { id, ...reset } })
  const body = (await harness.call(`${url}?limit=2`)).json()
  deepStrictEqual(
    body.commands.map(({ id }: { id: string }) => id),
    ['c-3', 'c-2']
  )
  harness.views.set('CP-2', chargePoint('CP-2'))
  deepStrictEqual((await harness.call('/v1/charge-points/CP-2/commands')).json(), { commands: [] })
  strictEqual((await harness.call('/v1/charge-points/CP-9/commands')).json().code, 'charge_point_unknown')
})

test('a queued command is cancelled, a written one is not', async () => {
  const harness = new Harness()
  for (const id of ['c-1', 'c-2']) await harness.call({ method: 'POST', url, payload: { id, ...reset } })
  const cancelled = await harness.call({ method: 'DELETE', url: '/v1/commands/c-1' })
  deepStrictEqual(
    [cancelled.statusCode, cancelled.json().outcome, cancelled.json().reason],
    [200, 'not_sent', 'cancelled']
  )
  harness.desk.write('c-2')
  const late = await harness.call({ method: 'DELETE', url: '/v1/commands/c-2' })
  deepStrictEqual([late.statusCode, late.json().code, late.json().command.state], [409, 'command_too_late', 'written'])
  const unknown = await harness.call({ method: 'DELETE', url: '/v1/commands/c-9' })
  deepStrictEqual([unknown.statusCode, unknown.json().code], [404, 'command_unknown'])
  strictEqual((await harness.call('/v1/commands/c-9')).json().code, 'command_unknown')
})

test('a command can be waited for later', async () => {
  const harness = new Harness()
  await harness.call({ method: 'POST', url, payload: { id: 'c-1', ...reset } })
  const waiting = harness.call({ url: '/v1/commands/c-1', headers: { prefer: 'wait=30' } })
  while (harness.desk.waits.length === 0) await new Promise(setImmediate)
  harness.desk.settle('c-1', { outcome: 'unknown', reason: 'timeout' })
  const response = await waiting
  deepStrictEqual([response.json().outcome, response.headers['preference-applied']], ['unknown', 'wait=30'])
})
