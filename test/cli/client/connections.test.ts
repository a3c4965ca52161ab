import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { FakeApi, FakeIo, inTurn, json, problem, ran } from './fake-api.ts'

const one = {
  id: 'CP-1',
  connected: true,
  version: '1.6',
  vendor: 'Acme',
  model: 'Wallbox 11',
  epoch: 7,
  node: 'gw-0',
  connectedAt: '2026-11-23T10:00:00.000Z',
  lastSeenAt: '2026-11-23T10:00:00.000Z',
  remoteAddress: '10.0.0.7',
  queuedCalls: 0
}

async function started(t: TestContext): Promise<FakeApi> {
  const api = new FakeApi()
  await api.listen(t)
  return api
}

test('connections in a pipe are lines of JSON, page by page', async (t) => {
  const api = await started(t)
  const two = { ...one, id: 'CP-2' }
  api.routes.set(
    'GET /v1/charge-points',
    inTurn(json(200, { chargePoints: [one], next: 'CP 1' }), json(200, { chargePoints: [two] }))
  )
  const { code, out } = await ran(new FakeIo(), 'connections', '--url', api.url)
  strictEqual(code, 0)
  deepStrictEqual(
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [one, two]
  )
  deepStrictEqual(
    api.seen.map(({ url }) => url),
    ['/v1/charge-points?connected=true', '/v1/charge-points?connected=true&after=CP+1']
  )
})

test('connections on a terminal are a table that fits, with colours only where they are wanted', async (t) => {
  const api = await started(t)
  api.routes.set(
    'GET /v1/charge-points',
    json(200, { chargePoints: [one, { ...one, id: 'CP-2', model: 'M'.repeat(99) }] })
  )
  const argv = ['connections', '--url', api.url]
  const { out } = await ran(new FakeIo({ terminal: true, columns: 72 }), ...argv)
  const lines = out.trimEnd().split('\n')
  match(lines[0] ?? '', /^ID +STATE +OCPP +MODEL/)
  match(lines[1] ?? '', /^CP-1 +connected +1\.6 +Acme/)
  strictEqual(lines.at(-1), '2 connected')
  for (const line of lines) ok(line.length <= 72, line)
  ok(!out.includes('\u001b'))
  ok((await ran(new FakeIo({ terminal: true, colours: true }), ...argv)).out.includes('\u001b[1m'))
  strictEqual((await ran(new FakeIo({ terminal: true }), ...argv, '--json')).out.split('\n')[0], JSON.stringify(one))
})

test('no connections is said in words', async (t) => {
  const api = await started(t)
  api.routes.set('GET /v1/charge-points', json(200, { chargePoints: [] }))
  match(
    (await ran(new FakeIo({ terminal: true }), 'connections', '--url', api.url)).out,
    /No charge point is connected\. --all/
  )
  match((await ran(new FakeIo({ terminal: true }), 'connections', '--all', '--url', api.url)).out, /connect to ws:/)
  strictEqual((await ran(new FakeIo(), 'connections', '--url', api.url)).out, '')
})

test('one charge point is shown with why it left', async (t) => {
  const api = await started(t)
  const ended = {
    epoch: 7,
    version: '1.6',
    node: 'gw-0',
    remoteAddress: '10.0.0.7',
    connectedAt: '2026-11-23T10:00:00.000Z',
    disconnectedAt: '2026-11-23T11:00:00.000Z',
    reason: 'idle_timeout',
    reasonText: 'nothing was heard'
  }
  const away = {
    ...one,
    id: 'CP/1',
    connected: false,
    lastDisconnect: { at: ended.disconnectedAt, reason: 'idle_timeout', text: 'nothing was heard\u001b[2J' },
    connections: [ended]
  }
  api.routes.set('GET /v1/charge-points/CP%2F1', json(200, away))
  const { code, out } = await ran(new FakeIo({ terminal: true, columns: 120 }), 'connections', 'CP/1', '--url', api.url)
  strictEqual(code, 0)
  match(out, /^CP\/1 {2}away for .*: nothing was heard/)
  match(out, /idle_timeout: nothing was heard/)
  ok(!out.includes('\u001b'))
  strictEqual((await ran(new FakeIo(), 'connections', 'CP/1', '--url', api.url)).out, `${JSON.stringify(away)}\n`)
})

test('where times do not fit, it is said how long ago they were', async (t) => {
  const api = await started(t)
  const before = (s: number) => new Date(Date.now() - s * 1000).toISOString()
  const ended = {
    epoch: 7,
    version: '1.6',
    node: 'gw-0',
    remoteAddress: '10.0.0.7',
    connectedAt: before(2 * 86_400 + 3 * 3600 + 60),
    disconnectedAt: before(86_400 + 5 * 3600 + 60),
    reason: 'idle_timeout',
    reasonText: 'nothing was heard for longer than the idle timeout'
  }
  api.routes.set('GET /v1/charge-points/CP-1', json(200, { ...one, connected: false, connections: [ended] }))
  const at = async (columns: number) =>
    (await ran(new FakeIo({ terminal: true, columns }), 'connections', 'CP-1', '--url', api.url)).out
  const narrow = await at(60)
  match(narrow, /2d 3h ago {2}1d 5h ago {2}1\.6 {3}10\.0\.0\.7 {2}idle_timeout/)
  for (const line of narrow.split('\n')) ok(line.length <= 60, line)
  const wide = await at(120)
  ok(wide.includes(ended.connectedAt) && wide.includes(ended.disconnectedAt), wide)
})

test('a problem of the API is said with what to do, exit code 1', async (t) => {
  const api = await started(t)
  api.routes.set(
    'GET /v1/charge-points/CP-9',
    problem(404, {
      code: 'charge_point_unknown',
      title: 'This charge point was never seen',
      detail: '`CP-9` was never seen here',
      remedy: 'Compare the id.'
    })
  )
  const { code, out, err } = await ran(new FakeIo(), 'connections', 'CP-9', '--url', api.url)
  deepStrictEqual(
    [code, out, err],
    [1, '', 'This charge point was never seen: `CP-9` was never seen here. Compare the id.\n']
  )
})

test('the token comes from the option or the environment, and its absence says so', async (t) => {
  const api = await started(t)
  api.routes.set('GET /v1/charge-points', json(200, { chargePoints: [] }))
  const env = { CPG_URL: `${api.url}/`, CPG_TOKEN: 'from-env' }
  await ran(new FakeIo({ env }), 'connections')
  await ran(new FakeIo({ env }), 'connections', '--token', 'from-option')
  deepStrictEqual(
    api.seen.map(({ headers }) => headers.authorization),
    ['Bearer from-env', 'Bearer from-option']
  )
  api.routes.set(
    'GET /v1/charge-points',
    problem(401, { code: 'unauthorized', title: 'A valid token is needed', remedy: 'x' })
  )
  const { code, err } = await ran(new FakeIo({ env: { CPG_URL: api.url } }), 'connections')
  deepStrictEqual(
    [code, err],
    [1, 'A valid token is needed. Give a token of `api.tokens` with --token or CPG_TOKEN.\n']
  )
})

test('a gateway that is not there says how to start one', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  await new Promise((resolve) => other.close(resolve))
  const { code, err } = await ran(new FakeIo(), 'connections', '--url', `http://127.0.0.1:${port}`)
  strictEqual(code, 1)
  match(
    err,
    /^No gateway answers at http:\S+ \(ECONNREFUSED\): start one with `charge-point-gateway serve`, or name its API with --url or CPG_URL\.\n$/
  )
})

test('something that is not the API is told from it', async (t) => {
  const api = await started(t)
  api.routes.set('GET /v1/charge-points', (_request, response) =>
    response.writeHead(404, { 'content-type': 'text/html' }).end('<html>')
  )
  match(
    (await ran(new FakeIo(), 'connections', '--url', api.url)).err,
    /answers \(404\), but not as the API of a gateway/
  )
  api.routes.set('GET /v1/charge-points', (_request, response) => response.writeHead(200).end('<html>'))
  match(
    (await ran(new FakeIo(), 'connections', '--url', api.url)).err,
    /answers \(200\), but not as the API of a gateway/
  )
})

test('wrong usage is exit code 2 and says what is meant', async () => {
  const wrong: [string[], RegExp][] = [
    [['connections', '--al'], /^There is no option --al; did you mean --all\?\nUsage: /],
    [['connections', '--zzzzzzzzz'], /known are --url, --token, --json, --all/],
    [['connections', 'a', 'b'], /^Unexpected argument b\n/],
    [['connections', '--url'], /--url/],
    [['connections', '--url', 'localhost:8081'], /is no address of an API/],
    [['disconnect'], /needs the id/]
  ]
  for (const [argv, message] of wrong) {
    const { code, err } = await ran(new FakeIo(), ...argv)
    strictEqual(code, 2, argv.join(' '))
    match(err, message)
  }
})

test('a charge point is disconnected, or it is said why not', async (t) => {
  const api = await started(t)
  api.routes.set('DELETE /v1/charge-points/CP-1/connection', (_request, response) => response.writeHead(204).end())
  deepStrictEqual(await ran(new FakeIo(), 'disconnect', 'CP-1', '--url', api.url), {
    code: 0,
    out: '{"id":"CP-1","disconnected":true}\n',
    err: ''
  })
  match(
    (await ran(new FakeIo({ terminal: true }), 'disconnect', 'CP-1', '--url', api.url)).out,
    /^The connection of CP-1 is being closed/
  )
  api.routes.set(
    'DELETE /v1/charge-points/CP-1/connection',
    problem(409, {
      code: 'charge_point_offline',
      title: 'The charge point is not connected',
      remedy: 'There is nothing to close.'
    })
  )
  const offline = await ran(new FakeIo(), 'disconnect', 'CP-1', '--url', api.url)
  deepStrictEqual([offline.code, offline.err], [1, 'The charge point is not connected. There is nothing to close.\n'])
})
