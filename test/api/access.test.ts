import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert'
import { connect, createServer, Socket } from 'node:net'
import { test } from 'node:test'
import { TokenTable } from '../../src/api/auth.ts'
import { isLoopback } from '../../src/api/browser-guard.ts'
import type { GatewayError } from '../../src/lib/gateway-error.ts'
import { Harness } from './support/harness.ts'
import { until } from './support/stream.ts'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test('with tokens every route but health and documentation needs one', async () => {
  const harness = new Harness({ tokens: [{ name: 'backend', token: 'secret-1' }, 'secret-2'] })
  for (const url of ['/v1/charge-points', '/v1/events', '/v1/node', '/v1/schemas', '/v1/consumers', '/nowhere']) {
    const refused = await harness.call(url)
    deepStrictEqual([refused.statusCode, refused.json().code], [401, 'unauthorized'], url)
    strictEqual(refused.headers['www-authenticate'], 'Bearer')
    strictEqual((await harness.call({ url, headers: bearer('wrong') })).statusCode, 401)
    ok([200, 404].includes((await harness.call({ url, headers: bearer('secret-2') })).statusCode))
  }
  for (const url of ['/health/live', '/health/ready', '/openapi.json', '/v1/problems', '/metrics'])
    strictEqual((await harness.call(url)).statusCode, 200, url)
})

test('a command is requested by the name of its token', async () => {
  const harness = new Harness({ tokens: [{ name: 'backend', token: 'secret-1' }, { token: 'secret-2' }] })
  const payload = { type: 'ocpp.call', data: {} }
  const names: unknown[] = []
  for (const token of ['secret-1', 'secret-2']) {
    const response = await harness.call({
      method: 'POST',
      url: '/v1/charge-points/CP-1/commands',
      payload,
      headers: bearer(token)
    })
    names.push(response.json().requestedBy)
  }
  deepStrictEqual(names, ['backend', 'api'])
})

test('metrics have their own token', async () => {
  const harness = new Harness({ tokens: ['api-token'], metricsToken: 'scrape' })
  strictEqual((await harness.call('/metrics')).statusCode, 401)
  strictEqual((await harness.call({ url: '/metrics', headers: bearer('api-token') })).statusCode, 401)
  const scraped = await harness.call({ url: '/metrics', headers: bearer('scrape') })
  deepStrictEqual([scraped.statusCode, scraped.body], [200, 'cpg_ready 1\n'])
  strictEqual((await harness.call({ url: '/v1/node', headers: bearer('scrape') })).statusCode, 401)
})

test('an Authorization header is read as RFC 6750 writes it', () => {
  const table = new TokenTable([{ name: 'a', token: 'abc' }])
  deepStrictEqual(
    ['Bearer abc', 'bearer abc', 'Bearer  abc', 'Bearer abcd', 'Bearer ab', 'Basic abc', 'abc', 'Bearer ', ''].map(
      (text) => table.nameOf(text)
    ),
    ['a', 'a', 'a', undefined, undefined, undefined, undefined, undefined, undefined]
  )
  strictEqual(table.nameOf(undefined), undefined)
  // An empty token would be met by an empty header.
  strictEqual(new TokenTable(['']).nameOf('Bearer '), undefined)
})

test('without tokens only this machine by a local name is answered', async () => {
  const harness = new Harness()
  for (const host of ['localhost:8081', '127.0.0.1:8081', '[::1]:8081', 'gateway.localhost'])
    strictEqual((await harness.call({ url: '/v1/node', headers: { host } })).statusCode, 200, host)
  for (const host of ['attacker.example', 'attacker.example:8081', '127.0.0.1.attacker.example', '10.0.0.1']) {
    const refused = await harness.call({ url: '/v1/node', headers: { host } })
    deepStrictEqual([refused.statusCode, refused.json().code], [403, 'host_refused'], host)
  }
  strictEqual((await harness.call({ url: '/health/live', headers: { host: 'attacker.example' } })).statusCode, 200)
})

test('without tokens requests of other web sites are refused', async () => {
  const harness = new Harness()
  const host = 'localhost:8081'
  const refused: Record<string, string>[] = [
    { origin: 'https://attacker.example' },
    { origin: 'null' },
    { origin: 'http://localhost:3000' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }
  ]
  for (const headers of refused) {
    const response = await harness.call({ url: '/v1/events', headers: { host, ...headers } })
    deepStrictEqual([response.statusCode, response.json().code], [403, 'cross_site_refused'], JSON.stringify(headers))
  }
  const allowed: Record<string, string>[] = [
    {},
    { origin: 'http://localhost:8081', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
  ]
  for (const headers of allowed)
    strictEqual(
      (await harness.call({ url: '/v1/node', headers: { host, ...headers } })).statusCode,
      200,
      JSON.stringify(headers)
    )
  const form = await harness.call({
    method: 'DELETE',
    url: '/v1/commands/c-1',
    headers: { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
  })
  strictEqual(form.json().code, 'cross_site_refused')
})

test('with tokens other names and origins are answered, since no browser sends the token by itself', async () => {
  const harness = new Harness({ tokens: ['t'] })
  const headers = { ...bearer('t'), host: 'gateway.example', origin: 'https://console.example' }
  strictEqual((await harness.call({ url: '/v1/node', headers })).statusCode, 200)
})

test('loopback addresses are told from others', () => {
  deepStrictEqual(
    ['127.0.0.1', '127.8.8.8', 'localhost', '::1', '[::1]', 'LOCALHOST'].map(isLoopback),
    Array(6).fill(true)
  )
  deepStrictEqual(
    ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'localhost.example', ''].map(isLoopback),
    Array(6).fill(false)
  )
})

test('an API that the world reaches is refused without a token', async (t) => {
  const open = new Harness({ host: '0.0.0.0' })
  await rejects(open.api.listen(), (error: GatewayError) => {
    strictEqual(error.code, 'api_without_token')
    match(error.message, /set api\.tokens .* or api\.host to 127\.0\.0\.1/)
    return true
  })
  const guarded = new Harness({ host: '0.0.0.0', tokens: ['t'] })
  t.after(() => guarded.api.close())
  ok((await guarded.api.listen()).port > 0)
})

test('a port that is taken says so and what to set', async (t) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.after(() => other.close())
  const { port } = other.address() as { port: number }
  await rejects(new Harness({ port }).api.listen(), (error: GatewayError) => {
    strictEqual(error.code, 'port_taken')
    match(error.message, new RegExp(`Port ${port} .*api\\.port`))
    return true
  })
})

test('connections are bounded, and what is no HTTP gets a 400 problem', async (t) => {
  const harness = new Harness({ connectionsMax: 1 })
  const { port } = await harness.api.listen()
  const held = new Socket()
  // First of all, since a close waits for it: Node 24 takes a connection without a request for a busy one.
  t.after(() => {
    held.destroy()
  })
  t.after(() => harness.api.close())
  const talk = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let answer = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(text))
      socket.setEncoding('utf8').on('data', (chunk) => {
        answer += chunk
      })
      // A dropped connection may end with a reset; what came is what counts.
      socket.on('error', () => resolve(answer)).on('close', () => resolve(answer))
    })
  match(await talk('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 .*application\/problem\+json.*"code":"invalid_request"/s)
  await new Promise<void>((resolve) => held.connect(port, '127.0.0.1', resolve))
  strictEqual(await talk('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n'), '')
  match(harness.logged.join(), /An API connection was dropped/)
})

test('a stop finishes requests that wait and refuses new ones', async (t) => {
  const harness = new Harness()
  const { port } = await harness.api.listen()
  let answers = ''
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  socket.on('data', (chunk) => {
    answers += chunk
  })
  t.after(() => {
    socket.destroy()
  })
  const body = JSON.stringify({ id: 'c-1', type: 'ocpp.call', data: {} })
  socket.write(
    `POST /v1/charge-points/CP-1/commands HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=30\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  )
  await until(() => harness.desk.waits.length > 0, 'the command waits')
  const closed = harness.api.close()
  socket.write('GET /v1/node HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await new Promise(setImmediate)
  harness.desk.settle('c-1', { outcome: 'not_sent', reason: 'shutting_down' })
  await until(() => answers.includes('"status":503'), 'both answers')
  await closed
  strictEqual(JSON.parse(answers.slice(answers.lastIndexOf('{'))).code, 'shutting_down')
  match(answers, /^HTTP\/1\.1 200 .*"outcome":"not_sent".*HTTP\/1\.1 503 .*connection: close.*"code":"shutting_down"/is)
})
