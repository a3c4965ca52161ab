import { match, strictEqual } from 'node:assert'
import { once } from 'node:events'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { RefusalWriter } from '../../src/server/refusal-response.ts'
import { FakeClock } from '../support/fake-clock.ts'

function refuse() {
  const clock = new FakeClock(0)
  const writer = new RefusalWriter(clock)
  const [ours, theirs] = duplexPair()
  writer.write(ours, { code: 'shutting_down' })
  return { clock, writer, ours, theirs }
}

test('a refused peer gets the whole answer, may go on sending, and ends the socket by hanging up', async () => {
  const { ours, theirs, writer } = refuse()
  const [answer] = await once(theirs, 'data')
  match(String(answer), /^HTTP\/1\.1 503 Service Unavailable\r\n.*\r\n\r\n\{.*"shutting_down".*\}\n$/s)
  strictEqual(writer.has(ours), true)
  theirs.end('x'.repeat(100_000))
  await once(ours, 'close')
  strictEqual(writer.has(ours), false)
})

test('a refused peer that neither reads nor hangs up is cut after a while', async () => {
  const { clock, ours } = refuse()
  clock.advance(1999)
  strictEqual(ours.destroyed, false)
  clock.advance(1)
  strictEqual(ours.destroyed, true)
})

test('the end of the server does not wait for refused peers', () => {
  const { writer, ours } = refuse()
  writer.destroyAll()
  strictEqual(ours.destroyed, true)
})

test('a peer that has gone already is not written to', () => {
  const clock = new FakeClock(0)
  const [ours] = duplexPair()
  ours.destroy()
  new RefusalWriter(clock).write(ours, { code: 'internal_error' })
  strictEqual(ours.destroyed, true)
})
