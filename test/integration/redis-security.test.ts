import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { startRedis } from '../../scripts/services/redis.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { type RedisNode, redisNode, startedRedisNode } from '../support/redis-nodes.ts'
import { until } from '../support/until.ts'

/** What docs/adr/0004-redis-keys.md says that the user needs. */
const rules = [
  '~cpg:*',
  '&cpg:*',
  '+@read',
  '+@write',
  '+@scripting',
  '+@pubsub',
  '+@connection',
  '+time',
  '+info',
  '+cluster|slots',
  '+cluster|shards'
]
const user = { name: 'gateway', password: 'p@ss: word/', rules }
const common = { keyPrefix: 'cpg:', requestTimeoutMs: 1_000 }

test('over TLS, as a user with no more rights than needed, everything works', async (t) => {
  const redis = await startRedis({ tls: true, users: [user] })
  t.after(() => redis.close())
  ok(redis.tls)
  const ca = readFileSync(redis.tls.certificates.ca)
  const url = `rediss://127.0.0.1:${redis.tls.port}`
  const options = { ...common, username: user.name, password: user.password, tls: { ca } }
  const node = await startedRedisNode(t, { cluster: false, url }, options)
  strictEqual(node.lease.state().kind, 'held')
  const { epoch } = await node.registry.claim('CP-1')
  strictEqual((await node.registry.locate('CP-1'))?.epoch, epoch)
  await node.control.listen(async () => 'accepted')
  const other = await startedRedisNode(t, { cluster: false, url: redis.tls.url }, { ...options, nodeId: 'node-b' })
  await other.control.listen(async () => 'accepted')
  strictEqual(await other.control.send('node-a', { kind: 'disconnect', chargePointId: 'CP-1' }), 'accepted')
  strictEqual((await node.shared.reserveTransactionIds(10, 0)).first > 0, true)
  const [facts] = (await node.inspect()).servers
  strictEqual(facts?.evictionPolicy, 'noeviction')
  strictEqual(facts.persistence, 'none')
  ok(Math.abs(facts.clockOffsetMs) < 1_000)
})

test('a wrong password, an unknown authority and a wrong protocol are told as what somebody has to set right', async (t) => {
  const redis = await startRedis({ tls: true, users: [user] })
  t.after(() => redis.close())
  ok(redis.tls)
  const tls = { ca: readFileSync(redis.tls.certificates.ca) }
  const wrong = [
    { address: { cluster: false, url: `redis://gateway:wrong@127.0.0.1:${redis.port}` }, says: /WRONGPASS/ },
    { address: { cluster: false, url: `redis://127.0.0.1:${redis.port}` }, says: /NOAUTH|WRONGPASS/ },
    { address: { cluster: false, url: redis.tls.url }, says: /certificate/ },
    { address: { cluster: true, rootNodes: [redis.tls.url] }, tls, says: /cluster support disabled|NOPERM/ }
  ]
  for (const { address, says, ...more } of wrong) {
    const node = redisNode(address, { ...common, ...more })
    t.after(() => node.close())
    await until(`it says ${says}`, () => node.state().kind === 'misconfigured')
    match(node.state().detail ?? '', says)
    await rejects(node.registry.claim('CP-1'), { code: 'registry_unavailable' })
  }
})

test('what an operator has to know of a server is told: eviction, memory, persistence', async (t) => {
  const settings = { maxmemory: '64mb', 'maxmemory-policy': 'allkeys-lru' }
  const redis = await startRedis({ persistence: true, settings })
  t.after(() => redis.close())
  const node = redisNode({ cluster: false, url: redis.url })
  t.after(() => node.close())
  const { cluster, servers } = await node.inspect()
  strictEqual(cluster, false)
  strictEqual(servers.length, 1)
  const [facts] = servers
  strictEqual(facts?.evictionPolicy, 'allkeys-lru')
  strictEqual(facts.memoryBytesMax, 64 * 1024 * 1024)
  strictEqual(facts.persistence, 'aof')
  match(facts.version, /^\d+\.\d+/)
})

/** Five minutes behind. */
function lateClock() {
  return createSystemClock(() => Date.now() - 300_000)
}

function linesOfRedis(node: RedisNode): string[] {
  return node.logger.lines.map(({ message }) => message).filter((message) => message.startsWith('Redis'))
}

test('a node says once that its Redis evicts and that their clocks differ, and readiness keeps it', async (t) => {
  const redis = await startRedis({ settings: { maxmemory: '64mb', 'maxmemory-policy': 'volatile-ttl' } })
  t.after(() => redis.close())
  const node = await startedRedisNode(t, { cluster: false, url: redis.url }, { clock: lateClock() })
  await until('it has looked', () => node.state().detail !== undefined)
  const { kind, detail = '' } = node.state()
  strictEqual(kind, 'up')
  match(detail, /maxmemory-policy volatile-ttl\): set maxmemory-policy to noeviction/)
  match(detail, /the clock of Redis is 5m ahead of this machine's: .*NTP/)
  strictEqual(node.logger.lines.filter(({ level }) => level === 'warn').length, 2)
})

test('a right that is missing is one line and stays in the state, though all else is served', async (t) => {
  const without = (name: string, right: string) => ({ ...user, name, rules: rules.filter((rule) => rule !== right) })
  const redis = await startRedis({ users: [without('deaf', '&cpg:*'), without('blind', '+info')] })
  t.after(() => redis.close())
  const address = { cluster: false, url: `redis://127.0.0.1:${redis.port}` }
  const login = { ...common, username: 'deaf', password: user.password }
  const deaf = await startedRedisNode(t, address, login)
  await deaf.control.listen(async () => 'accepted')
  await rejects(deaf.control.send('node-b', { kind: 'disconnect', chargePointId: 'CP-1' }), /NOPERM/)
  for (let n = 0; n < 5; n++) await deaf.registry.claim(`CP-${n}`)
  strictEqual(deaf.lease.state().kind, 'held')
  strictEqual(deaf.state().kind, 'misconfigured')
  match(deaf.state().detail ?? '', /lacks a right .*0004-redis-keys\.md/)
  deepStrictEqual(linesOfRedis(deaf), ['Redis is reached', 'Redis cannot be used'])
  // What is only nice to know is no trouble when it may not be asked.
  const blind = await startedRedisNode(t, address, { ...login, username: 'blind', clock: lateClock() })
  await until('it has looked', () => blind.state().detail !== undefined)
  match(blind.state().detail ?? '', /^the clock of Redis/)
  strictEqual(blind.state().kind, 'up')
  deepStrictEqual(linesOfRedis(blind), ['Redis is reached'])
})
