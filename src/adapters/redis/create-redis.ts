import { GatewayError } from '../../lib/gateway-error.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ClusterLedger } from '../../ports/cluster-ledger.ts'
import type { ControlChannel } from '../../ports/control-channel.ts'
import type { SinkState } from '../../ports/event-sink.ts'
import type { LedgerRoll } from '../../ports/ledger-roll.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { NodeLease } from '../../ports/node-lease.ts'
import type { SessionRegistry } from '../../ports/session-registry.ts'
import type { SharedState } from '../../ports/shared-state.ts'
import type { TlsOptions } from './backend.ts'
import { RedisConnection } from './connection.ts'
import { RedisControlChannel } from './control-channel.ts'
import { RedisIndexSweep } from './index-sweep.ts'
import { inspectRedis, type RedisFacts } from './inspect.ts'
import { keysWith } from './keys.ts'
import { RedisLedger } from './ledger.ts'
import { redisLedgerRoll } from './ledger-roll.ts'
import { RedisNodeLease } from './node-lease.ts'
import { RedisSessionRegistry } from './session-registry.ts'
import { RedisSharedState } from './shared-state.ts'
import { RedisWatch } from './watch.ts'

export interface RedisOptions {
  /** `redis://` or `rediss://host:port/db`. With `cluster`: one of its nodes. */
  readonly url?: string
  /** With `cluster`: several of its nodes, so that one that is down holds up no start. */
  readonly rootNodes?: readonly string[]
  readonly cluster: boolean
  readonly username?: string
  readonly password?: string
  readonly tls?: TlsOptions
  /** Before every key and channel; two clusters of gateways on one Redis differ in it. */
  readonly keyPrefix: string
  /** Deadline of every request, and of an acknowledgement from another node. */
  readonly requestTimeoutMs: number
  readonly nodeId: string
  /** An id of the data folder: tells this gateway from another with its `node.id`. */
  readonly installation: string
  readonly leaseTtlMs: number
  /** Default: a day. */
  readonly commandMemoryMs?: number
  /** Default: 400 days after its last connection. */
  readonly chargePointMemoryMs?: number
  /** Default: thirty days. */
  readonly transactionMemoryMs?: number
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly monotonicNow?: () => number
}

export interface Redis {
  readonly registry: SessionRegistry
  readonly lease: NodeLease
  readonly control: ControlChannel
  readonly ledger: ClusterLedger
  readonly roll: LedgerRoll
  readonly shared: SharedState
  /** `up` with a detail: it serves, and since then something is wrong with it all the same. */
  state(): SinkState
  /** What is done every minute: entries of listings without a row are dropped; how many. */
  sweep(): Promise<number>
  inspect(): Promise<RedisFacts>
  /** Ends all connections. A lease that was not given back with `lease.end()` runs out by itself. */
  close(): Promise<void>
}

const dayMs = 86_400_000

/** All ports that live in Redis. It connects by itself, now or whenever Redis is there; nothing here waits for that. */
export function createRedis(options: RedisOptions): Redis {
  const { clock, logger, nodeId, cluster, requestTimeoutMs } = options
  const urls = options.rootNodes ?? (options.url === undefined ? [] : [options.url])
  if (urls.length === 0) throw new GatewayError('redis_misconfigured', 'no address of Redis is given')
  if (/[{}]/.test(options.keyPrefix))
    throw new GatewayError('redis_misconfigured', 'the prefix of the keys must not contain braces')
  const { username, password, tls, metrics, installation, leaseTtlMs, monotonicNow } = options
  const connection = new RedisConnection({
    urls,
    cluster,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
    requestTimeoutMs,
    clientName: `cpg:${nodeId.replace(/[^\x21-\x7e]/g, '_')}`,
    clock,
    logger,
    metrics
  })
  const keys = keysWith(options.keyPrefix)
  const base = { connection, keys, nodeId, clock, logger }
  const lease = new RedisNodeLease({
    ...base,
    installation,
    leaseTtlMs,
    ...(monotonicNow !== undefined && { monotonicNow })
  })
  const control = new RedisControlChannel({ ...base, requestTimeoutMs, metrics })
  const commandMemoryMs = options.commandMemoryMs ?? dayMs
  const chargePointMemoryMs = options.chargePointMemoryMs ?? 400 * dayMs
  const transactionMemoryMs = options.transactionMemoryMs ?? 30 * dayMs
  const watch = new RedisWatch(base)
  const indexes = new RedisIndexSweep(base)
  connection.open()
  watch.start()
  indexes.start()
  return {
    registry: new RedisSessionRegistry({ ...base, lease }),
    lease,
    control,
    ledger: new RedisLedger({ ...base, lease, commandMemoryMs }),
    roll: redisLedgerRoll({ connection, keys, nodeId }),
    shared: new RedisSharedState({ ...base, lease, chargePointMemoryMs, transactionMemoryMs }),
    state: () => watch.state(),
    sweep: () => indexes.sweep(),
    inspect: () => inspectRedis({ ...base, cluster }),
    close: async () => {
      lease.stop()
      watch.close()
      indexes.close()
      await control.close()
      await connection.close()
    }
  }
}
