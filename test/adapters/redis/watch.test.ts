import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { RedisConnection } from '../../../src/adapters/redis/connection.ts'
import { keysWith } from '../../../src/adapters/redis/keys.ts'
import { RedisWatch } from '../../../src/adapters/redis/watch.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

/** A server that answers, with an eviction policy and a clock that the test sets. */
function watched() {
  const clock = new FakeClock()
  const server = { policy: 'noeviction', aheadMs: 0 }
  const connection = {
    masterTags: () => ['0'],
    state: () => ({ kind: 'up', sinceMs: 5 }),
    sendOptional: async () => `maxmemory_policy:${server.policy}`,
    send: async () => {
      const nowMs = clock.now() + server.aheadMs
      return [String(Math.floor(nowMs / 1_000)), String((nowMs % 1_000) * 1_000)]
    }
  } as unknown as RedisConnection
  const watch = new RedisWatch({ connection, keys: keysWith('cpg:'), clock, logger: memoryLogger() })
  const minute = async () => {
    clock.advance(60_000)
    await turns()
  }
  return { clock, server, watch, minute }
}

test('a server that evicts, or whose clock is off, is told with the time at which it was first seen, until all is right', async (t) => {
  const { clock, server, watch, minute } = watched()
  t.after(() => watch.close())
  watch.start()
  await minute()
  deepStrictEqual(watch.state(), { kind: 'up', sinceMs: 5 })
  server.policy = 'allkeys-lru'
  await minute()
  const seenAtMs = clock.now()
  match(watch.state().detail ?? '', /maxmemory-policy allkeys-lru/)
  strictEqual(watch.state().sinceMs, seenAtMs)
  server.aheadMs = 300_000
  await minute()
  server.policy = 'noeviction'
  await minute()
  match(watch.state().detail ?? '', /^the clock of Redis is 5m ahead/)
  strictEqual(watch.state().sinceMs, seenAtMs, 'never right in between')
  server.aheadMs = 0
  await minute()
  deepStrictEqual(watch.state(), { kind: 'up', sinceMs: 5 })
  server.policy = 'allkeys-lru'
  await minute()
  strictEqual(watch.state().sinceMs, clock.now())
})
