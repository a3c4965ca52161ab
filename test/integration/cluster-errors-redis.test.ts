import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Redis, startRedis } from '../../scripts/services/redis.ts'
import { RespConnection } from '../../scripts/services/resp.ts'
import { keysWith } from '../../src/adapters/redis/keys.ts'
import { Station } from '../support/station.ts'
import { until } from '../support/until.ts'
import {
  closeAtEnd,
  doctor,
  expectFinding,
  expectReadiness,
  expectTold,
  folder,
  password,
  redisOverTls,
  run,
  start,
  startSecureRedis
} from './cluster-errors-world.ts'

// The mistakes that people make with Redis, each on a real one, with the message that says what to do.

let redis: Redis

before(async () => {
  redis = await startSecureRedis()
})
after(() => redis?.close())

test('a Redis that evicts is a failure, one without persistence a warning', async () => {
  const evicting = await startRedis({ settings: { maxmemory: '64mb', 'maxmemory-policy': 'allkeys-lru' } })
  closeAtEnd(() => evicting.close())
  const examined = await doctor(['--redis.url', evicting.url])
  strictEqual(examined.code, 1)
  expectFinding(
    examined,
    'fail',
    'redis_eviction',
    /maxmemory-policy allkeys-lru/,
    /set maxmemory-policy to noeviction/
  )
  const gateway = await start('--redis.url', evicting.url)
  await expectReadiness(gateway, 'redis', /maxmemory-policy allkeys-lru.*noeviction.*; charge points go on/)
  await expectTold(gateway, /"msg":"Redis may throw away .*maxmemory-policy allkeys-lru/)
  expectFinding(examined, 'warn', 'redis_persistence', /set appendonly yes/)
  // What is no cluster and what speaks no TLS, at the same server.
  expectFinding(
    await doctor(['--redis.url', evicting.url, '--redis.cluster', 'true']),
    'fail',
    'redis',
    /set redis\.cluster to false/
  )
  expectFinding(
    await doctor(['--redis.url', evicting.url.replace('redis:', 'rediss:')]),
    'fail',
    'redis',
    /redis:\/\/ where it does not/
  )
})

// Leases could not be renewed: each gateway listed its own alone as connected, and doctor had nothing to repair.
test('a Redis that is full: doctor fails, and no gateway tells a charge point of another one as away', async (t) => {
  const full = await startRedis({ settings: { 'maxmemory-policy': 'noeviction' } })
  closeAtEnd(() => full.close())
  const connection = await RespConnection.open(full.port)
  t.after(() => connection.close())
  const shared = ['--redis.url', full.url, '--redis.lease_ttl', '2s']
  const [a, b] = await Promise.all([start('--node.id', 'gw-a', ...shared), start('--node.id', 'gw-b', ...shared)])
  for (const [gateway, id] of [
    [a, 'CP-a'],
    [b, 'CP-b']
  ] as const)
    await (await Station.connect({ url: gateway.url, id })).boot()
  const answers = async () => {
    const said: string[] = []
    for (const gateway of [a, b]) {
      const { status, body } = await gateway.get('/v1/charge-points?connected=true')
      const { chargePoints = [], code } = body as { chargePoints?: readonly { id: string }[]; code?: string }
      said.push(status === 200 ? chargePoints.map(({ id }) => id).join() : `${status} ${code}`)
    }
    return said
  }
  const both = 'CP-a,CP-b'
  const refused = '503 registry_unavailable'
  await until('both are listed', async () => (await answers()).every((said) => said === both))
  const told = new Set<string>()
  const becomes = (wanted: string) =>
    until(`both say ${wanted}`, async () => {
      const said = await answers()
      for (const one of said) told.add(one)
      return said.every((one) => one === wanted)
    })

  await connection.command('CONFIG', 'SET', 'maxmemory', '1')
  await becomes(refused)
  await expectReadiness(a, 'redis', /is full .*raise its maxmemory/)
  const lease = keysWith('cpg:').lease('gw-b')
  await until('the leases have run out', async () => Number(await connection.command('EXISTS', lease)) === 0)
  await becomes(refused)
  const examined = await doctor([...shared, '--node.id', 'gw-b'])
  strictEqual(examined.code, 1)
  expectFinding(examined, 'fail', 'redis_memory', /it is full and refuses writes/, /raise maxmemory/)
  expectFinding(examined, 'warn', 'node_id', /whether a gateway runs as node "gw-b" cannot be told/)
  await connection.command('CONFIG', 'SET', 'maxmemory', '0')
  await becomes(both)
  deepStrictEqual([...told].sort(), [refused, both])
})

test('a wrong password of Redis, or an authority that is not known: readiness says it, doctor what to set', async () => {
  const refused = await start(...redisOverTls(redis, 'wrong'))
  await expectReadiness(refused, 'redis', /WRONGPASS/, /set redis\.username/, /charge points go on/)
  strictEqual(await refused.end(), 0)
  // The stop has nothing to add: this gateway never had a lease.
  await expectTold(refused, /WRONGPASS.*set redis\.username and redis\.password.*"msg":"Redis cannot be used"/)
  expectFinding(
    await doctor(redisOverTls(redis, 'wrong')),
    'fail',
    'redis',
    /WRONGPASS/,
    /set redis\.username and redis\.password/
  )
  const [url = '', address = '', ...login] = redisOverTls(redis)
  const untrusted = [url, address, ...login.slice(0, 4)]
  await expectReadiness(await start(...untrusted), 'redis', /certificate/)
  expectFinding(await doctor(untrusted), 'fail', 'redis', /set redis\.tls_ca_file/)
  // Keys of another prefix are not this user's.
  const others = [...redisOverTls(redis), '--redis.key_prefix', 'other']
  await expectReadiness(await start(...others), 'redis', /NOPERM/)
  expectFinding(await doctor(others), 'fail', 'redis', /NOPERM/, /docs\/adr\/0004-redis-keys\.md/)
  // Nor are channels of this one; all but the messages between nodes works without them.
  const deaf = await start(...redisOverTls(redis, password, 'deaf'))
  await expectReadiness(deaf, 'redis', /NOPERM.*channels/, /0004-redis-keys\.md/)
  await expectTold(deaf, /NOPERM.*channels.*"msg":"Redis cannot be used"/)
  expectFinding(
    await doctor(redisOverTls(redis, password, 'deaf')),
    'fail',
    'redis',
    /NOPERM.*channels/,
    /0004-redis-keys/
  )
})

test('two installations with one node.id: the second is refused at its start and told what to do', async () => {
  const first = await start('--node.id', 'twin', ...redisOverTls(redis))
  const free = ['--server.port', '0', '--api.port', '0', '--log.level', 'error']
  const second = await run([
    'serve',
    ...free,
    '--data_dir',
    join(folder, 'second'),
    '--node.id',
    'twin',
    ...redisOverTls(redis)
  ])
  strictEqual(second.code, 1)
  match(
    `${second.out}${second.err}`,
    /another gateway .* runs as node "twin": give each gateway a `node\.id` of its own/
  )
  ok(!/\n\s+at .*\.ts:/.test(second.err), second.err)
  strictEqual((await first.get('/health/ready')).status, 200)
  const twin = ['--node.id', 'twin', ...redisOverTls(redis)]
  // Beside the first one, and of the folder of the second, which has a store without an installation or none at all.
  expectFinding(await doctor([...twin, '--data_dir', first.dataDir]), 'ok', 'node_id', /the gateway of this data_dir/)
  for (const other of ['second', 'third']) {
    const examined = await doctor([...twin, '--data_dir', join(folder, other)])
    strictEqual(examined.code, 1)
    expectFinding(examined, 'fail', 'node_id', /another gateway \(installation /, /give each gateway a node\.id/)
  }
  strictEqual(await first.end(), 0)
  expectFinding(
    await doctor([...twin, '--data_dir', join(folder, 'third')]),
    'ok',
    'node_id',
    /no gateway holds the lease/
  )
})

test('a clock that is off by minutes is a failure that names by how much', async () => {
  const shifted = { NODE_OPTIONS: '--import data:text/javascript,const/**/now=Date.now;Date.now=()=>now()+300000' }
  const examined = await doctor(redisOverTls(redis), shifted)
  strictEqual(examined.code, 1)
  expectFinding(examined, 'fail', 'clock_redis', /its clock is 5m behind this one/, /NTP/)
})
