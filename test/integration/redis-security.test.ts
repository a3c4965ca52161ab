import { match, ok, rejects, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { startRedis } from '../../scripts/services/redis.ts'
import { redisNode, startedRedisNode } from '../support/redis-nodes.ts'
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
