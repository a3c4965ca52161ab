import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { RespConnection } from '../../scripts/services/resp.ts'
import { createRedis, type Redis, type RedisOptions } from '../../src/adapters/redis/create-redis.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { memoryLogger } from './memory-logger.ts'
import { noMetrics } from './no-metrics.ts'
import { withRedis, withRedisCluster } from './services.ts'

export type RedisAddress = Pick<RedisOptions, 'url' | 'rootNodes' | 'cluster'>

/** One server and a cluster of three, started for the tests of a file: every contract runs on both. */
export function redisPlaces(): readonly { readonly name: string; readonly address: () => RedisAddress }[] {
  const single = withRedis()
  const cluster = withRedisCluster()
  return [
    { name: 'redis', address: () => ({ cluster: false, url: single().url }) },
    { name: 'redis cluster', address: () => ({ cluster: true, rootNodes: cluster().urls }) }
  ]
}

export interface RedisNode extends Redis {
  readonly nodeId: string
  readonly logger: ReturnType<typeof memoryLogger>
}

/** Keys of its own for each test, so that none sees what another left. */
export function freshPrefix(): string {
  return `t:${randomUUID().slice(0, 8)}:`
}

/** What one gateway has of Redis; without a lease until `begin`. */
export function redisNode(address: RedisAddress, changed: Partial<RedisOptions> = {}): RedisNode {
  const logger = memoryLogger()
  const nodeId = changed.nodeId ?? 'node-a'
  const redis = createRedis({
    ...address,
    keyPrefix: freshPrefix(),
    requestTimeoutMs: 2_000,
    nodeId,
    installation: `installation of ${nodeId}`,
    leaseTtlMs: 5_000,
    clock: createSystemClock(),
    logger,
    metrics: noMetrics,
    ...changed
  })
  return { ...redis, nodeId, logger }
}

/** A node with its lease, closed after the test. */
export async function startedRedisNode(
  t: TestContext,
  address: RedisAddress,
  changed: Partial<RedisOptions> = {}
): Promise<RedisNode> {
  const node = redisNode(address, changed)
  t.after(() => node.close())
  await node.lease.begin()
  return node
}

/** The server, or all of the cluster, loses everything. */
export async function emptyRedis(address: RedisAddress): Promise<void> {
  for (const url of address.rootNodes ?? [address.url ?? '']) {
    const connection = await RespConnection.open(Number(new URL(url).port))
    await connection.command('FLUSHALL')
    connection.close()
  }
}

/** Registers a test for each place. */
export function onEach(
  places: ReturnType<typeof redisPlaces>,
  title: string,
  body: (t: TestContext, address: RedisAddress) => Promise<void>
): void {
  for (const { name, address } of places) test(`${name}: ${title}`, (t) => body(t, address()))
}
