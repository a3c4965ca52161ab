import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { startRedis } from '../../scripts/services/redis.ts'
import { startRedisCluster } from '../../scripts/services/redis-cluster.ts'
import { RespConnection } from '../../scripts/services/resp.ts'
import { keysWith, slotOf } from '../../src/adapters/redis/keys.ts'
import type { Metrics } from '../../src/ports/metrics.ts'
import type { LeaseState } from '../../src/ports/node-lease.ts'
import { noMetrics } from '../support/no-metrics.ts'
import { freshPrefix, redisNode, startedRedisNode } from '../support/redis-nodes.ts'
import { until } from '../support/until.ts'

const unavailable = { code: 'registry_unavailable', canRetry: true }
const quick = { requestTimeoutMs: 500, leaseTtlMs: 2_000 }

test('with Redis gone every request is refused at once, and all is well again when it is back without its data', async (t) => {
  const redis = await startRedis()
  t.after(() => redis.close())
  const keyPrefix = freshPrefix()
  const [a, b] = await Promise.all(
    ['node-a', 'node-b'].map((nodeId) =>
      startedRedisNode(t, { cluster: false, url: redis.url }, { ...quick, keyPrefix, nodeId })
    )
  )
  ok(a && b)
  const states: LeaseState[] = []
  a.lease.onChange((state) => states.push(state))
  await Promise.all([a, b].map(({ control }) => control.listen(async () => 'accepted')))
  const { epoch } = await a.registry.claim('CP-1')
  await redis.kill()
  await until('it is noticed', () => a.lease.state().kind === 'away')
  const beganMs = performance.now()
  await rejects(a.registry.claim('CP-1'), unavailable)
  await rejects(a.ledger.get('c-1'), unavailable)
  await rejects(a.shared.load('CP-1'), unavailable)
  await rejects(a.control.send('node-b', { kind: 'disconnect', chargePointId: 'CP-1' }), unavailable)
  ok(performance.now() - beganMs < 1_000, 'nothing waits for a reconnection')
  strictEqual(a.state().kind, 'down')
  await redis.start()
  await until('it is back', () => a.lease.state().kind === 'lost' && b.lease.state().kind === 'lost')
  strictEqual(await a.registry.locate('CP-1'), undefined)
  strictEqual(await a.registry.adopt('CP-1', epoch), true)
  a.lease.adopted()
  deepStrictEqual(states, ['away', 'lost', 'held'])
  deepStrictEqual(await b.registry.locate('CP-1'), { node: 'node-a', epoch })
  const ask = () => a.control.send('node-b', { kind: 'disconnect', chargePointId: 'CP-1' })
  await until('the nodes hear each other again', () => ask().then(Boolean, () => false))
  strictEqual(a.state().kind, 'up')
})

test('a Redis that hangs is silent for one deadline; its client is made anew, and works when it goes on', async (t) => {
  const redis = await startRedis()
  t.after(() => redis.close())
  const failures: string[] = []
  const counter: Metrics['counter'] = (name, labels) => ({
    inc: () => failures.push(`${name} ${Object.values(labels)}`)
  })
  const metrics: Metrics = { ...noMetrics, counter }
  const node = await startedRedisNode(t, { cluster: false, url: redis.url }, { ...quick, metrics })
  strictEqual(failures.length, 0)
  await redis.pause()
  const beganMs = performance.now()
  await rejects(node.registry.claim('CP-1'), unavailable)
  const tookMs = performance.now() - beganMs
  ok(tookMs >= 450 && tookMs < 2_000, `${tookMs} ms`)
  await until('the client is made anew', () => node.logger.lines.some(({ message }) => message.includes('made anew')))
  strictEqual(node.lease.state().kind, 'away')
  ok(failures.includes('registry_failures_total silent'))
  await redis.resume()
  await until('it is back', () => node.lease.state().kind === 'lost')
  ok((await node.registry.claim('CP-1')).epoch > 0)
})

test('scripts that Redis has forgotten are given to it again', async (t) => {
  const redis = await startRedis()
  t.after(() => redis.close())
  const node = await startedRedisNode(t, { cluster: false, url: redis.url }, quick)
  const first = await node.registry.claim('CP-1')
  const connection = await RespConnection.open(redis.port)
  await connection.command('SCRIPT', 'FLUSH')
  connection.close()
  const second = await node.registry.claim('CP-1')
  deepStrictEqual(second.displaced, { node: 'node-a', epoch: first.epoch })
})

test('the first request of a process waits for the connection, for one deadline at most', async (t) => {
  const redis = await startRedis()
  t.after(() => redis.close())
  const there = redisNode({ cluster: false, url: redis.url }, quick)
  t.after(() => there.close())
  ok((await there.registry.claim('CP-1')).epoch > 0)
  await redis.kill()
  const gone = redisNode({ cluster: false, url: redis.url }, quick)
  t.after(() => gone.close())
  await rejects(gone.registry.claim('CP-1'), unavailable)
  const beganMs = performance.now()
  await rejects(gone.registry.claim('CP-1'), unavailable)
  ok(performance.now() - beganMs < 250, 'only the first')
})

test('a node begins with Redis away, and registers what it holds once it is there', async (t) => {
  const redis = await startRedis()
  t.after(() => redis.close())
  await redis.kill()
  const node = redisNode({ cluster: false, url: redis.url }, quick)
  t.after(() => node.close())
  await node.lease.begin()
  strictEqual(node.lease.state().kind, 'away')
  await redis.start()
  await until('it is there', () => node.lease.state().kind === 'lost')
  node.lease.adopted()
  strictEqual(node.lease.state().kind, 'held')
})

test('a node that begins while Redis hangs is told that its id is taken once Redis goes on', async (t) => {
  const redis = await startRedis()
  t.after(() => redis.close())
  const address = { cluster: false, url: redis.url }
  const keyPrefix = freshPrefix()
  const first = await startedRedisNode(t, address, { ...quick, keyPrefix, installation: 'one', leaseTtlMs: 60_000 })
  await redis.pause()
  const second = redisNode(address, { ...quick, keyPrefix, installation: 'two' })
  t.after(() => second.close())
  await second.lease.begin()
  strictEqual(second.lease.state().kind, 'away')
  await redis.resume()
  await until('it is told', () => second.lease.state().kind === 'taken')
  const told = second.logger.lines.find(({ fields }) => fields.code === 'node_id_taken')
  ok(told?.message.includes('an id of its own'), 'with what to do')
  await first.lease.end()
  await until('it is free', () => second.lease.state().kind === 'lost')
})

// A process that was stopped (SIGSTOP) finds its timers late, and must not trust what it holds before that.
test('a node that was paused beyond its lease says so before any renewal has', async (t) => {
  const redis = await startRedis()
  t.after(() => redis.close())
  let monotonicMs = 0
  const node = await startedRedisNode(
    t,
    { cluster: false, url: redis.url },
    { ...quick, leaseTtlMs: 60_000, monotonicNow: () => monotonicMs }
  )
  strictEqual(node.lease.state().kind, 'held')
  monotonicMs += 59_999
  strictEqual(node.lease.state().kind, 'held')
  monotonicMs += 60_001
  strictEqual(node.lease.state().kind, 'lost')
  node.lease.adopted()
  strictEqual(node.lease.state().kind, 'lost', 'not before a renewal was confirmed')
  await until('a renewal confirms that it still is ours', () => node.lease.state().kind === 'held')
})

test('a cluster with one server gone serves the charge points of the others, and all of them afterwards', async (t) => {
  const cluster = await startRedisCluster({ settings: { 'cluster-require-full-coverage': 'no' } })
  t.after(() => cluster.close())
  const keyPrefix = freshPrefix()
  const keys = keysWith(keyPrefix)
  const node = await startedRedisNode(t, { cluster: true, rootNodes: cluster.urls }, { ...quick, keyPrefix })
  await node.control.listen(async () => 'accepted')
  const ids = Array.from({ length: 30 }, (_, n) => `CP-${n}`)
  const lastSlotOfFirst = Math.floor(16_384 / 3) - 1
  const here = ids.filter((id) => slotOf(keys.owner(id)) <= lastSlotOfFirst)
  const elsewhere = ids.filter((id) => !here.includes(id))
  ok(here.length > 0 && elsewhere.length > 0)
  await Promise.all(ids.map((id) => node.registry.claim(id)))
  await cluster.kill(0)
  await until('it is noticed', () => node.lease.state().kind === 'away')
  strictEqual(node.state().kind, 'down')
  for (const id of elsewhere) ok((await node.registry.claim(id)).displaced, id)
  for (const id of here.slice(0, 2)) await rejects(node.registry.claim(id), unavailable)
  await cluster.start(0)
  await until('it is back', () => node.lease.state().kind === 'lost', 20_000)
  for (const id of here) strictEqual((await node.registry.claim(id)).displaced, undefined, 'it came back empty')
  for (const id of elsewhere) ok((await node.registry.claim(id)).displaced)
})

test('one emptied server of a cluster is noticed although the lease is on another', async (t) => {
  const cluster = await startRedisCluster()
  t.after(() => cluster.close())
  const node = await startedRedisNode(t, { cluster: true, rootNodes: cluster.urls }, quick)
  for (const port of cluster.ports) {
    node.lease.adopted()
    await until('it is held', () => node.lease.state().kind === 'held')
    const connection = await RespConnection.open(port)
    await connection.command('FLUSHALL')
    connection.close()
    await until('it is noticed', () => node.lease.state().kind === 'lost')
  }
})

test('a slot that moves to another server is followed, with what is in it', async (t) => {
  const cluster = await startRedisCluster()
  t.after(() => cluster.close())
  const keyPrefix = freshPrefix()
  const node = await startedRedisNode(t, { cluster: true, rootNodes: cluster.urls }, { ...quick, keyPrefix })
  const { epoch } = await node.registry.claim('CP-1')
  const key = keysWith(keyPrefix).owner('CP-1')
  await moveSlot(cluster.ports, slotOf(key), key)
  deepStrictEqual((await node.registry.claim('CP-1')).displaced, { node: 'node-a', epoch })
})

/** CLUSTER SETSLOT as redis-cli does it: import, migrate the one key, assign. */
async function moveSlot(ports: readonly number[], slot: number, key: string): Promise<void> {
  const connections = await Promise.all(ports.map((port) => RespConnection.open(port)))
  const ids = await Promise.all(connections.map(async (one) => String(await one.command('CLUSTER', 'MYID'))))
  const from = Math.min(2, Math.floor((slot * 3) / 16_384))
  const to = (from + 1) % 3
  const [source, target] = [connections[from], connections[to]]
  ok(source && target)
  await target.command('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', ids[from] ?? '')
  await source.command('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', ids[to] ?? '')
  await source.command('MIGRATE', '127.0.0.1', String(ports[to]), key, '0', '5000')
  for (const one of [target, source]) await one.command('CLUSTER', 'SETSLOT', String(slot), 'NODE', ids[to] ?? '')
  for (const one of connections) one.close()
}

// What comes back may be an older snapshot: its nodes have to tell again what they know.
test('a Redis that restarts with its data begins its roll anew', async (t) => {
  const redis = await startRedis({ persistence: true })
  t.after(() => redis.close())
  const node = await startedRedisNode(t, { cluster: false, url: redis.url }, quick)
  const [before] = await node.roll.read()
  ok(before)
  await node.roll.sign([before])
  deepStrictEqual((await node.roll.read())[0]?.signed, ['node-a'])
  const { epoch } = await node.registry.claim('CP-1')
  await redis.kill()
  await until('it is noticed', () => node.lease.state().kind === 'away')
  await redis.start()
  await until('it is back', () => node.lease.state().kind === 'lost')
  ok((await node.registry.claim('CP-1')).epoch > epoch)
  strictEqual((await node.registry.claim('CP-1', 9e8)).displaced?.node, 'node-a', 'it has its data')
  const [after] = await node.roll.read()
  deepStrictEqual(after?.signed, [])
  ok(after.value !== before.value && after.sinceMs > before.sinceMs)
})
