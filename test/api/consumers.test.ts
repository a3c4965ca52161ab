import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { encodeCursor } from '../../src/api/cursor.ts'
import { Harness } from './support/harness.ts'

const url = '/v1/consumers/billing'

test('a consumer is created, moved, listed and forgotten', async () => {
  const harness = new Harness()
  harness.log.fill(10)
  const cursor = encodeCursor('log-a', 4)
  const created = await harness.call({ method: 'PUT', url, payload: { cursor } })
  const expected = {
    name: 'billing',
    cursor,
    required: false,
    overtaken: false,
    behind: 6,
    updatedAt: '2026-11-23T00:00:00.000Z'
  }
  deepStrictEqual([created.statusCode, created.json()], [200, expected])
  deepStrictEqual((await harness.call(url)).json(), expected)
  deepStrictEqual((await harness.call('/v1/consumers')).json(), { consumers: [expected] })
  const moved = await harness.call({ method: 'PUT', url, payload: { cursor: 'latest' } })
  strictEqual(moved.json().behind, 0)
  strictEqual((await harness.call({ method: 'DELETE', url })).statusCode, 204)
  const again = await harness.call({ method: 'DELETE', url })
  deepStrictEqual([again.statusCode, again.json().code], [404, 'consumer_unknown'])
})

test('a consumer that does not exist is told with what to do', async () => {
  const response = await new Harness().call('/v1/consumers/nobody')
  deepStrictEqual([response.statusCode, response.json().code], [404, 'consumer_unknown'])
  strictEqual(
    response.json().remedy,
    'Create it with PUT /v1/consumers/{name} and a cursor; GET /v1/consumers lists those that exist.'
  )
})

test('a consumer that was overtaken says so, and reading there answers 410', async () => {
  const harness = new Harness()
  harness.log.fill(10)
  await harness.call({ method: 'PUT', url, payload: { cursor: encodeCursor('log-a', 4) } })
  harness.log.trimTo(8)
  const consumer = (await harness.call(url)).json()
  strictEqual(consumer.overtaken, true)
  strictEqual((await harness.call(`/v1/events?after=${consumer.cursor}`)).json().code, 'cursor_trimmed')
})

test('a consumer cannot be put where no cursor leads', async () => {
  const harness = new Harness()
  harness.log.fill(10)
  harness.log.trimTo(5)
  const cases: [unknown, number, string][] = [
    [encodeCursor('log-b', 4), 409, 'cursor_of_another_log'],
    [encodeCursor('log-a', 2), 410, 'cursor_trimmed'],
    ['x', 400, 'cursor_unreadable'],
    [7, 400, 'invalid_request']
  ]
  for (const [cursor, status, code] of cases) {
    const response = await harness.call({ method: 'PUT', url, payload: { cursor } })
    deepStrictEqual([response.statusCode, response.json().code], [status, code])
  }
  const name = await harness.call({ method: 'PUT', url: '/v1/consumers/a%20b', payload: { cursor: 'oldest' } })
  deepStrictEqual([name.statusCode, name.json().code], [400, 'invalid_request'])
  strictEqual(harness.log.consumers().length, 0)
})

test('consumers are bounded; moving one is always possible', async () => {
  const harness = new Harness({ consumersMax: 2 })
  const put = (name: string) =>
    harness.call({ method: 'PUT', url: `/v1/consumers/${name}`, payload: { cursor: 'oldest' } })
  strictEqual((await put('a')).statusCode, 200)
  strictEqual((await put('b')).statusCode, 200)
  const third = await put('c')
  deepStrictEqual([third.statusCode, third.json().code], [409, 'consumers_exhausted'])
  strictEqual((await put('b')).statusCode, 200)
})

test('a required consumer is not deleted', async () => {
  const harness = new Harness()
  harness.log.required.add('billing')
  await harness.call({ method: 'PUT', url, payload: { cursor: 'oldest' } })
  const response = await harness.call({ method: 'DELETE', url })
  deepStrictEqual([response.statusCode, response.json().code], [409, 'consumer_required'])
})
