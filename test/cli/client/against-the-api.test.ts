import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { chargePoint, Harness } from '../../api/support/harness.ts'
import { until } from '../../api/support/stream.ts'
import { FakeIo, ran } from './fake-api.ts'

function idsOf(out: string): string[] {
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).id)
}

function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `event ${from + i}`)
}

test('the client and the API agree on charge points and commands', async (t) => {
  const harness = new Harness({ tokens: [{ name: 'ops', token: 'secret' }] })
  t.after(() => harness.api.close())
  const { port } = await harness.api.listen()
  const env = { CPG_URL: `http://127.0.0.1:${port}`, CPG_TOKEN: 'secret' }
  const run = (...argv: string[]) => ran(new FakeIo({ env }), ...argv)
  harness.views.set('CP 1/a', chargePoint('CP 1/a'))
  deepStrictEqual(idsOf((await run('connections')).out), ['CP 1/a'])
  strictEqual(JSON.parse((await run('connections', 'CP 1/a')).out).connections.length, 1)
  strictEqual((await run('disconnect', 'CP 1/a')).code, 0)
  deepStrictEqual(harness.disconnected, ['CP 1/a'])
  strictEqual((await run('disconnect', 'CP-9')).code, 1)
  harness.desk.settleWith = { outcome: 'rejected', status: 'Rejected' }
  const { code, out } = await run('send', 'CP 1/a', 'Reset', '{"type":"Soft"}')
  deepStrictEqual([code, JSON.parse(out).requestedBy, JSON.parse(out).status], [3, 'ops', 'Rejected'])
  harness.desk.settleWith = undefined
  const cancelled = await run('send', 'CP 1/a', 'Reset', '{"type":"Soft"}', '--timeout', '1ms')
  deepStrictEqual([cancelled.code, JSON.parse(cancelled.out).reason], [4, 'cancelled'])
  match((await ran(new FakeIo({ env: { CPG_URL: env.CPG_URL } }), 'connections')).err, /--token or CPG_TOKEN/)
})

test('the client reads pages, and follows over a restart of the API without missing or repeating', async (t) => {
  const first = new Harness()
  const { port } = await first.api.listen()
  const url = `http://127.0.0.1:${port}`
  first.log.fill(120)
  deepStrictEqual(idsOf((await ran(new FakeIo(), 'events', '--url', url)).out), numbered(1, 120))
  const io = new FakeIo({ stopAfter: '"event 200"' })
  const following = ran(io, 'events', '--follow', '--url', url)
  await until(() => io.outText.includes('"event 120"'), 'what is kept')
  first.log.fill(10)
  await until(() => io.outText.includes('"event 130"'), 'what is new')
  await first.api.close()
  first.log.fill(70)
  const second = new Harness({ port }, first.log)
  t.after(() => second.api.close())
  await second.api.listen()
  const { code, out, err } = await following
  strictEqual(code, 0)
  deepStrictEqual(idsOf(out), numbered(1, 200))
  ok(err.includes('The stream ended; reading on when the gateway is back.'))
})
