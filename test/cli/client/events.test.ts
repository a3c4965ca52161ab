import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { eventRow } from '../../../src/cli/client/event-row.ts'
import { FakeApi, FakeIo, inTurn, problem, ran, type Seen } from './fake-api.ts'

const route = 'GET /v1/events'

async function started(t: TestContext): Promise<FakeApi> {
  const api = new FakeApi()
  await api.listen(t)
  return api
}

function page(texts: readonly string[], next: string, more: boolean) {
  return (_request: Seen, response: ServerResponse): void => {
    response
      .writeHead(200, { 'content-type': 'application/x-ndjson', 'cpg-next-cursor': next, 'cpg-more': String(more) })
      .end(texts.map((text) => `${text}\n`).join(''))
  }
}

/** Writes the parts of a stream; `last` ends it, breaks it or stops the user. */
function stream(parts: readonly string[], last: (response: ServerResponse) => void) {
  return (_request: Seen, response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const part of parts) response.write(part)
    // The parts are on their way before the connection breaks.
    response.write('', () => last(response))
  }
}

test('events are printed page by page, byte for byte, and the cursor to go on from is told', async (t) => {
  const api = await started(t)
  api.routes.set(
    route,
    inTurn(page(['{"id":"1", "n":1.0}'], 'c1', true), page([], 'c2', true), page(['{"id":"2"}'], 'c3', false))
  )
  const argv = ['events', '--url', api.url, '--charge-point', 'CP 1', '--type', 'a', '--type', 'b.*', '--after', 'c0']
  const { code, out, err } = await ran(new FakeIo(), ...argv)
  deepStrictEqual([code, out, err], [0, '{"id":"1", "n":1.0}\n{"id":"2"}\n', 'next cursor: c3\n'])
  const query = 'chargePointId=CP+1&type=a&type=b.*&after='
  deepStrictEqual(
    api.seen.map(({ url }) => url),
    ['c0', 'c1', 'c2'].map((cursor) => `/v1/events?${query}${cursor}`)
  )
})

test('events on a terminal are rows that fit', async (t) => {
  const api = await started(t)
  const event = {
    time: '2026-11-23T10:00:00.123Z',
    type: 'transaction.started',
    subject: 'CP-1',
    data: {
      transactionId: '7',
      evse: { id: 2, connectorId: 1 },
      idToken: { value: 'AB' },
      raw: { x: 1 },
      note: 'x\u001b[2J'.repeat(40)
    }
  }
  api.routes.set(route, page([JSON.stringify(event)], 'c1', false))
  const { out } = await ran(new FakeIo({ terminal: true, columns: 90 }), 'events', '--url', api.url)
  const [row = ''] = out.split('\n')
  match(row, /^10:00:00\.123 {2}CP-1 {12}transaction\.started {10}transactionId=7 evse=2\/1/)
  ok([...row].length <= 90)
  ok(!out.includes('\u001b'))
  match(eventRow(JSON.stringify(event), 150), /^2026-11-23 10:00:00\.123 .* idToken=AB note=/)
  const raw = await ran(new FakeIo({ terminal: true }), 'events', '--json', '--url', api.url)
  strictEqual(raw.out, `${JSON.stringify(event)}\n`)
})

test('a stream is followed over its end and over broken connections, from where it stopped', async (t) => {
  const api = await started(t)
  const io = new FakeIo({ stopAfter: '"id":6' })
  api.routes.set(
    route,
    inTurn(
      stream(['retry: 2000\n\n', 'id: c1\ndata: {"id":1}\n', '\nid: c2\nda', 'ta: {"id":2}\n\n'], (response) =>
        response.end()
      ),
      stream([': heartbeat\nid: c5\n\n', 'id: c6\ndata: {"ha'], (response) => response.destroy()),
      stream(['id: c6\ndata: {"id":6}\n\n'], () => undefined)
    )
  )
  const { code, out, err } = await ran(io, 'events', '--follow', '--after', 'latest', '--url', api.url)
  deepStrictEqual([code, out], [0, '{"id":1}\n{"id":2}\n{"id":6}\n'])
  deepStrictEqual(
    api.seen.map(({ headers }) => headers['last-event-id']),
    [undefined, 'c2', 'c5']
  )
  strictEqual(api.seen[0]?.url, '/v1/events?after=latest')
  match(err, /next cursor: c6\n$/)
})

test('a follower waits for a gateway that is away', async (t) => {
  const api = await started(t)
  const { port } = api
  const io = new FakeIo({ stopAfter: '"id":2' })
  api.routes.set(
    route,
    stream(['id: c1\ndata: {"id":1}\n\n'], (response) => response.end())
  )
  const running = ran(io, 'events', '--follow', '--url', api.url)
  while (!io.errText.includes('reading on when the gateway is back')) await new Promise(setImmediate)
  await api.close()
  const again = new FakeApi()
  again.routes.set(
    route,
    inTurn(
      problem(503, { code: 'shutting_down', title: 'The gateway is stopping' }),
      stream(['id: c2\ndata: {"id":2}\n\n'], () => undefined)
    )
  )
  await again.listen(t, port)
  const { code, out } = await running
  strictEqual(code, 0)
  ok(out.endsWith('{"id":2}\n'))
})

test('a follower whose place is gone ends with the oldest cursor', async (t) => {
  const api = await started(t)
  const gone = { code: 'cursor_trimmed', title: 'Events are no longer kept', detail: 'overtaken', oldest: 'c9' }
  api.routes.set(
    route,
    stream([`event: problem\ndata: ${JSON.stringify(gone)}\n\n`], (response) => response.end())
  )
  const streamed = await ran(new FakeIo(), 'events', '--follow', '--url', api.url)
  deepStrictEqual([streamed.code, streamed.err], [1, 'Events are no longer kept: overtaken. Go on with --after c9.\n'])
  api.routes.set(route, problem(410, gone))
  for (const argv of [['--follow'], []]) {
    const { code, err } = await ran(new FakeIo(), 'events', ...argv, '--after', 'c1', '--url', api.url)
    strictEqual(code, 1)
    match(err, /Go on with --after c9; what lay between is gone\.\n$/)
  }
})

test('the first connection of a follower has to succeed', async (t) => {
  const api = await started(t)
  const { url } = api
  await api.close()
  const { code, err } = await ran(new FakeIo(), 'events', '--follow', '--url', url)
  strictEqual(code, 1)
  match(err, /^No gateway answers at/)
})
