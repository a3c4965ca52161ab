import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { FakeApi, FakeIo, inTurn, json, problem, type Ran, ran } from './fake-api.ts'

const post = 'POST /v1/charge-points/CP-1/commands'
const base = { chargePointId: 'CP-1', type: 'ocpp.call' }

function settled(outcome: string, more: object = {}): object {
  return { ...base, id: 'c-1', state: 'settled', outcome, ...more }
}

/** Runs `send` against an API that accepts the command and then says how it stands. */
async function sent(
  t: TestContext,
  answers: readonly object[],
  argv: readonly string[],
  io = new FakeIo()
): Promise<Ran & { readonly api: FakeApi }> {
  const api = new FakeApi()
  await api.listen(t)
  const [first = {}, ...later] = answers
  api.routes.set(post, json(202, first))
  if (later.length > 0) api.routes.set('GET /v1/commands/c-1', inTurn(...later.map((answer) => json(200, answer))))
  const result = await ran(io, 'send', 'CP-1', ...argv, '--id', 'c-1', '--url', api.url)
  return { ...result, api }
}

test('the exit code of send is the outcome', async (t) => {
  const codes: number[] = []
  for (const outcome of ['accepted', 'rejected', 'call_error', 'not_sent', 'unknown'])
    codes.push((await sent(t, [settled(outcome)], ['Reset', '{"type":"Soft"}'])).code)
  deepStrictEqual(codes, [0, 3, 3, 4, 5])
})

test('an OCPP action is sent as ocpp.call, other types as they are', async (t) => {
  const bodies: unknown[] = []
  for (const argv of [
    ['Reset', '{"type":"Soft"}'],
    ['ClearCache'],
    ['ocpp.call', '{"action":"Reset","payload":{"type":"Hard"}}', '--timeout', '2m'],
    ['charge_point.reset', '{"kind":"soft"}'],
    ['configuration.get']
  ]) {
    const { api } = await sent(t, [settled('accepted')], argv)
    bodies.push(JSON.parse(api.seen[0]?.body ?? ''))
  }
  deepStrictEqual(bodies, [
    { id: 'c-1', type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Soft' } }, timeoutMs: 30_000 },
    { id: 'c-1', type: 'ocpp.call', data: { action: 'ClearCache', payload: {} }, timeoutMs: 30_000 },
    { id: 'c-1', type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Hard' } }, timeoutMs: 120_000 },
    { id: 'c-1', type: 'charge_point.reset', data: { kind: 'soft' }, timeoutMs: 30_000 },
    { id: 'c-1', type: 'configuration.get', data: {}, timeoutMs: 30_000 }
  ])
})

test('send makes an id of its own for each command', async (t) => {
  const api = new FakeApi()
  await api.listen(t)
  api.routes.set(post, json(202, settled('accepted')))
  for (let i = 0; i < 2; i += 1) await ran(new FakeIo(), 'send', 'CP-1', 'Reset', '--url', api.url)
  const [first, second] = api.seen.map(({ body }) => JSON.parse(body).id as string)
  match(first ?? '', /^cli-/)
  ok(first !== second)
})

test('send waits for the outcome', async (t) => {
  const queued = { ...base, id: 'c-1', state: 'queued' }
  const { code, out, api } = await sent(
    t,
    [queued, { ...queued, state: 'written' }, settled('accepted', { status: 'Accepted' })],
    ['Reset']
  )
  strictEqual(code, 0)
  strictEqual(JSON.parse(out).status, 'Accepted')
  deepStrictEqual(
    api.seen.map(({ method, headers }) => [method, headers.prefer]),
    [
      ['POST', undefined],
      ['GET', 'wait=30'],
      ['GET', 'wait=30']
    ]
  )
})

test('what waits in the queue for the whole timeout is taken back', async (t) => {
  const api = new FakeApi()
  await api.listen(t)
  const queued = { ...base, id: 'c-1', state: 'queued' }
  api.routes.set(post, json(202, queued))
  api.routes.set('GET /v1/commands/c-1', json(200, queued))
  api.routes.set('DELETE /v1/commands/c-1', json(200, settled('not_sent', { reason: 'cancelled' })))
  const io = new FakeIo({ terminal: true })
  const { code, out } = await ran(io, 'send', 'CP-1', 'Reset', '--id', 'c-1', '--timeout', '1ms', '--url', api.url)
  strictEqual(code, 4)
  match(out, /not_sent: cancelled\nIt was still in the queue and was taken back\.\n$/)
})

test('a command that was written while it was taken back is waited for', async (t) => {
  const api = new FakeApi()
  await api.listen(t)
  const queued = { ...base, id: 'c-1', state: 'queued' }
  api.routes.set(post, json(202, queued))
  const tooLate = problem(409, { code: 'command_too_late', command: { ...queued, state: 'written' } })
  api.routes.set('GET /v1/commands/c-1', json(200, queued))
  // Whether it was asked before it is taken back is a matter of the one millisecond; afterwards it is never in the queue.
  api.routes.set('DELETE /v1/commands/c-1', (request, response) => {
    api.routes.set('GET /v1/commands/c-1', json(200, settled('rejected')))
    tooLate(request, response)
  })
  const { code } = await ran(new FakeIo(), 'send', 'CP-1', 'Reset', '--id', 'c-1', '--timeout', '1ms', '--url', api.url)
  strictEqual(code, 3)
})

test('who stops waiting takes the command back, or is told that it is on its way', async (t) => {
  const api = new FakeApi()
  await api.listen(t)
  const written = { ...base, id: 'c-1', state: 'written' }
  for (const [state, expected] of [
    ['queued', 4],
    ['written', 1]
  ] as const) {
    const io = new FakeIo()
    api.routes.set(post, json(202, { ...written, state }))
    // The request is held: only the user ends it.
    api.routes.set('GET /v1/commands/c-1', () => io.stop.abort())
    api.routes.set('DELETE /v1/commands/c-1', json(200, settled('not_sent', { reason: 'cancelled' })))
    const { code, err } = await ran(io, 'send', 'CP-1', 'Reset', '--id', 'c-1', '--url', api.url)
    strictEqual(code, expected)
    strictEqual(
      err,
      state === 'queued' ? '' : 'No outcome of command c-1 yet; `events --type command.outcome` will show it.\n'
    )
  }
})

test('an offline charge point is said with what to do', async (t) => {
  const io = new FakeIo({ terminal: true })
  const { code, out } = await sent(t, [settled('not_sent', { reason: 'offline' })], ['Reset'], io)
  strictEqual(code, 4)
  match(
    out,
    /^CP-1 {2}Reset {2}not_sent: offline\nCP-1 is not connected\. `connections CP-1` says since when and why; send it again/
  )
})

test('each outcome is said in words on a terminal', async (t) => {
  const cases: [object, RegExp][] = [
    [
      settled('accepted', { status: 'Accepted', response: { status: 'Accepted' } }),
      /Reset {2}accepted: Accepted\n\{"status":"Accepted"\}\n$/
    ],
    [
      settled('call_error', { error: { code: 'NotSupported', description: 'no', details: {} } }),
      /call_error: NotSupported\nno\n\{\}\n$/
    ],
    [settled('unknown', { reason: 'timeout' }), /unknown: timeout\nIt may have been carried out/],
    [settled('not_sent', { reason: 'unknown_charge_point' }), /never seen here/],
    [settled('rejected', { status: 'Re\u001b[2Jjected' }), /rejected: Re.\[2Jjected\n$/]
  ]
  for (const [answer, expected] of cases) {
    const { out } = await sent(t, [answer], ['Reset'], new FakeIo({ terminal: true }))
    match(out, expected)
    ok(!out.includes('\u001b'))
  }
  const { out } = await sent(t, [settled('accepted')], ['Reset'], new FakeIo({ terminal: true, colours: true }))
  ok(out.includes('\u001b[32maccepted\u001b[39m'))
})

test('wrong usage of send is exit code 2, before anything is sent', async (t) => {
  const wrong: [string[], RegExp][] = [
    [
      ['Reset', '{type:Soft}'],
      /The data is not JSON, .* line 1, column 2:\n {2}\{type:Soft\}\n {3}\^\nNames and texts need double quotes/
    ],
    [['Reset', '{"type":"Soft"'], /something is missing at the end/],
    [['Reset', '[]'], /has to be a JSON object/],
    [['ocpp.call'], /ocpp\.call needs its data, as in: send CP-1 ocpp\.call/],
    [['Reset', '--timeout', '30'], /--timeout 30 is no duration; it is like 30s/],
    [[], /send needs a charge point and a command, as in: send CP-1 ocpp\.call/]
  ]
  for (const [argv, message] of wrong) {
    const { code, err, api } = await sent(t, [settled('accepted')], argv)
    deepStrictEqual([code, api.seen.length], [2, 0], argv.join(' '))
    match(err, message)
  }
})

test('a command that the gateway refuses is exit code 1', async (t) => {
  const api = new FakeApi()
  await api.listen(t)
  api.routes.set(
    post,
    problem(400, {
      code: 'command_invalid',
      title: 'This is not a command',
      detail: 'no action Rest',
      remedy: 'Correct it.'
    })
  )
  const { code, err } = await ran(new FakeIo(), 'send', 'CP-1', 'Rest', '--url', api.url)
  deepStrictEqual([code, err], [1, 'This is not a command: no action Rest. Correct it.\n'])
})
