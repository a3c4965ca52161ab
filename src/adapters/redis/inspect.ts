import { clockApartMsMax, clocksApartMs } from '../../lib/clocks-apart.ts'
import { formatDuration } from '../../lib/duration.ts'
import type { Clock } from '../../ports/clock.ts'
import type { RedisConnection } from './connection.ts'
import type { Keys } from './keys.ts'

/** What one Redis server says of itself. */
export interface RedisServerFacts {
  readonly address: string
  readonly version: string
  readonly mode: string
  readonly role: string
  /** `none`, or which of `rdb` and `aof`. */
  readonly persistence: 'none' | 'rdb' | 'aof'
  /** Anything but `noeviction` throws ownership and commands away when memory is short. */
  readonly evictionPolicy: string
  readonly memoryBytes: number
  /** 0: no limit. */
  readonly memoryBytesMax: number
  /** Its clock less this machine's, in milliseconds; half of `roundTripMs` is uncertain. */
  readonly clockOffsetMs: number
  readonly roundTripMs: number
}

export interface RedisFacts {
  readonly cluster: boolean
  readonly servers: readonly RedisServerFacts[]
}

/** Asks every master; rejects with `registry_unavailable` when one does not answer. */
export async function inspectRedis(deps: {
  readonly connection: RedisConnection
  readonly keys: Keys
  readonly clock: Clock
  readonly cluster: boolean
}): Promise<RedisFacts> {
  const { connection, keys, cluster } = deps
  await connection.firstContact()
  const tags = connection.masterTags()
  const servers = await Promise.all(
    tags.map(async (tag) => {
      const key = keys.marker(tag)
      const info = fieldsOf(String(await connection.send(key, ['INFO'])))
      const snapshots = await snapshotsOf(connection, key)
      const time = await timeOf(connection, key, deps.clock)
      return {
        address: connection.homeOf(key),
        version: info.get('redis_version') ?? info.get('valkey_version') ?? 'unknown',
        mode: info.get('redis_mode') ?? info.get('server_mode') ?? 'unknown',
        role: info.get('role') ?? 'unknown',
        persistence: info.get('aof_enabled') === '1' ? 'aof' : snapshots ? 'rdb' : 'none',
        evictionPolicy: info.get('maxmemory_policy') ?? 'unknown',
        memoryBytes: Number(info.get('used_memory') ?? 0),
        memoryBytesMax: Number(info.get('maxmemory') ?? 0),
        ...time
      } as const
    })
  )
  return { cluster, servers }
}

/** Who holds a `node.id` now. */
export interface LeaseFacts {
  readonly installation: string
  /** Until it runs out, unless it is renewed. */
  readonly leftMs: number
}

/** Undefined: nobody. */
export async function leaseOf(connection: RedisConnection, keys: Keys, node: string): Promise<LeaseFacts | undefined> {
  const key = keys.lease(node)
  const [installation, leftMs] = await Promise.all([
    connection.send(key, ['HGET', key, 'installation']),
    connection.send(key, ['PTTL', key])
  ])
  return typeof installation === 'string' ? { installation, leftMs: Math.max(Number(leftMs), 0) } : undefined
}

async function timeOf(
  connection: RedisConnection,
  key: string,
  clock: Clock
): Promise<Pick<RedisServerFacts, 'clockOffsetMs' | 'roundTripMs'>> {
  const sentAtMs = clock.now()
  const [seconds = 0, micros = 0] = ((await connection.send(key, ['TIME'])) as string[]).map(Number)
  const receivedAtMs = clock.now()
  const clockOffsetMs = Math.round(seconds * 1_000 + micros / 1_000 - (sentAtMs + receivedAtMs) / 2)
  return { clockOffsetMs, roundTripMs: receivedAtMs - sentAtMs }
}

/** CONFIG is forbidden to many users: then snapshots are not known, and not counted on. */
async function snapshotsOf(connection: RedisConnection, key: string): Promise<boolean> {
  const reply = await connection.sendOptional(key, ['CONFIG', 'GET', 'save'])
  const save = Array.isArray(reply) ? reply[1] : (reply as Record<string, string> | undefined)?.save
  return typeof save === 'string' && save !== ''
}

/** What is wrong with a server that can be reached, as a sentence that says what to do. */
export interface RedisConcern {
  readonly kind: 'eviction' | 'clock'
  readonly text: string
}

/** At most one of each kind. What the user may not ask for is passed over; rejects when Redis is away. */
export async function concernsOf(
  connection: RedisConnection,
  keys: Keys,
  clock: Clock
): Promise<readonly RedisConcern[]> {
  const found = new Map<RedisConcern['kind'], string>()
  for (const tag of connection.masterTags()) {
    const key = keys.marker(tag)
    const memory = fieldsOf(String(await connection.sendOptional(key, ['INFO', 'memory'])))
    const policy = memory.get('maxmemory_policy') ?? 'noeviction'
    if (policy !== 'noeviction') found.set('eviction', evicts(policy))
    const time = await timeOf(connection, key, clock)
    if (clocksApartMs(time) > clockApartMsMax) found.set('clock', isOff(time.clockOffsetMs))
  }
  return [...found].map(([kind, text]) => ({ kind, text }))
}

function evicts(policy: string): string {
  return `Redis may throw away who owns a charge point and which commands ran (maxmemory-policy ${policy}): set maxmemory-policy to noeviction (redis.conf, and now: CONFIG SET maxmemory-policy noeviction)`
}

function isOff(offsetMs: number): string {
  const apart = formatDuration(Math.round(Math.abs(offsetMs) / 1_000) * 1_000)
  return `the clock of Redis is ${apart} ${offsetMs > 0 ? 'ahead of' : 'behind'} this machine's: keep all machines on time with NTP (timedatectl set-ntp true)`
}

function fieldsOf(info: string): Map<string, string> {
  const lines = info.split(/\r?\n/).filter((line) => line.includes(':'))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

/** Tries what a user of its own may lack: keys from scripts and without, and its channel, both ways. */
export async function tryRights(connection: RedisConnection, keys: Keys, withinMs: number): Promise<void> {
  const key = keys.marker('doctor')
  await connection.send(key, ['ZREM', key, 'nothing'])
  await connection.send(key, ['EVAL', "return redis.call('DEL', KEYS[1])", 1, key])
  const channel = keys.channel('doctor')
  await connection.publish(channel, 'doctor')
  await connection.tryToHear(channel, withinMs)
}
