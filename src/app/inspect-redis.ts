import { readInstallation } from '../adapters/embedded/installation.ts'
import { createPrometheusMetrics } from '../adapters/prometheus/metrics.ts'
import { RedisConnection } from '../adapters/redis/connection.ts'
import type { RedisFault } from '../adapters/redis/faults.ts'
import {
  inspectRedis as inspect,
  type LeaseFacts,
  leaseOf,
  type RedisFacts as ServersFacts,
  tryRights
} from '../adapters/redis/inspect.ts'
import { keysWith } from '../adapters/redis/keys.ts'
import type { Config } from '../config/schema.ts'
import { GatewayError } from '../lib/gateway-error.ts'
import { createSystemClock } from '../lib/system-clock.ts'
import type { Logger } from '../ports/logger.ts'
import { redisSettings } from './outside-settings.ts'

export type { RedisServerFacts } from '../adapters/redis/inspect.ts'

/** Who runs as this `node.id` now, and whether that is the installation in `data_dir`. */
export interface NodeHolder extends LeaseFacts {
  readonly is: 'this' | 'another' | 'unknown'
  /** Why it is `unknown`. */
  readonly problem?: string
}

export interface RedisFacts extends ServersFacts {
  /** Absent: nobody. */
  readonly holder?: NodeHolder
}

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
    await tryRights(connection, keys, settings.requestTimeoutMs)
    const lease = await leaseOf(connection, keys, config.node.id)
    const found = { ...facts, ...(lease && { holder: await holderOf(lease, config.dataDir) }) }
    // A server alone goes by no address there.
    const [url = ''] = rootNodes
    const host = new URL(url).host
    return facts.cluster ? found : { ...found, servers: facts.servers.map((server) => ({ ...server, address: host })) }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return problemOf(connection.fault, error.message)
  } finally {
    clearInterval(alive)
    await connection.close()
    metrics.close()
  }
}

async function holderOf(lease: LeaseFacts, dataDir: string): Promise<NodeHolder> {
  try {
    const own = await readInstallation(dataDir)
    return { ...lease, is: own === lease.installation ? 'this' : 'another' }
  } catch (error) {
    return { ...lease, is: 'unknown', problem: error instanceof Error ? error.message : String(error) }
  }
}

function problemOf(fault: RedisFault | undefined, said: string): RedisProblem {
  if (fault) return { problem: fault.what, remedy: fault.remedy }
  return { problem: `Redis cannot be used: ${said}`, remedy: 'see the log of Redis' }
}
