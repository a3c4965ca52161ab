import { createPrometheusMetrics } from '../adapters/prometheus/metrics.ts'
import { RedisConnection } from '../adapters/redis/connection.ts'
import type { RedisFault } from '../adapters/redis/faults.ts'
import { inspectRedis as inspect, type RedisFacts, tryRights } from '../adapters/redis/inspect.ts'
import { keysWith } from '../adapters/redis/keys.ts'
import type { Config } from '../config/schema.ts'
import { GatewayError } from '../lib/gateway-error.ts'
import { createSystemClock } from '../lib/system-clock.ts'
import type { Logger } from '../ports/logger.ts'
import { redisSettings } from './outside-settings.ts'

export type { RedisFacts, RedisServerFacts } from '../adapters/redis/inspect.ts'

const silent = (): void => undefined
const noLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent }

/** Why it cannot be used, and what to do. */
export interface RedisProblem {
  readonly problem: string
  readonly remedy: string
}

/** What each Redis server says of itself to this machine, now; or why it cannot be used. */
export async function inspectRedis(config: Config): Promise<RedisFacts | RedisProblem> {
  const clock = createSystemClock()
  const { rootNodes = [], keyPrefix, ...settings } = redisSettings(config, config.redis.url ?? '')
  const metrics = createPrometheusMetrics()
  const connection = new RedisConnection({
    ...settings,
    urls: rootNodes,
    clientName: 'cpg:doctor',
    clock,
    logger: noLogger,
    metrics
  })
  // The clock's timers keep no process alive, and a client that could not connect does not either.
  const alive = setInterval(() => undefined, 1_000)
  try {
    connection.open()
    const keys = keysWith(keyPrefix)
    const facts = await inspect({ connection, keys, clock, cluster: settings.cluster })
    if (facts.servers.length === 0) return problemOf(connection.fault, 'it names no server')
    await tryRights(connection, keys, settings.requestTimeoutMs)
    // A server alone goes by no address there.
    const [url = ''] = rootNodes
    const host = new URL(url).host
    return facts.cluster ? facts : { ...facts, servers: facts.servers.map((server) => ({ ...server, address: host })) }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return problemOf(connection.fault, error.message)
  } finally {
    clearInterval(alive)
    await connection.close()
    metrics.close()
  }
}

function problemOf(fault: RedisFault | undefined, said: string): RedisProblem {
  if (fault) return { problem: fault.what, remedy: fault.remedy }
  return { problem: `Redis cannot be used: ${said}`, remedy: 'see the log of Redis' }
}
