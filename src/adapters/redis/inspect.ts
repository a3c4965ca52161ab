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
      const sentAtMs = deps.clock.now()
      const [seconds = 0, micros = 0] = ((await connection.send(key, ['TIME'])) as string[]).map(Number)
      const receivedAtMs = deps.clock.now()
      return {
        address: connection.homeOf(key),
        version: info.get('redis_version') ?? info.get('valkey_version') ?? 'unknown',
        mode: info.get('redis_mode') ?? info.get('server_mode') ?? 'unknown',
        role: info.get('role') ?? 'unknown',
        persistence: info.get('aof_enabled') === '1' ? 'aof' : snapshots ? 'rdb' : 'none',
        evictionPolicy: info.get('maxmemory_policy') ?? 'unknown',
        memoryBytes: Number(info.get('used_memory') ?? 0),
        memoryBytesMax: Number(info.get('maxmemory') ?? 0),
        clockOffsetMs: Math.round(seconds * 1_000 + micros / 1_000 - (sentAtMs + receivedAtMs) / 2),
        roundTripMs: receivedAtMs - sentAtMs
      } as const
    })
  )
  return { cluster, servers }
}

/** CONFIG is forbidden to many users: then snapshots are not known, and not counted on. */
async function snapshotsOf(connection: RedisConnection, key: string): Promise<boolean> {
  try {
    const reply = await connection.send(key, ['CONFIG', 'GET', 'save'])
    const save = Array.isArray(reply) ? reply[1] : (reply as Record<string, string>).save
    return typeof save === 'string' && save !== ''
  } catch {
    return false
  }
}

function fieldsOf(info: string): Map<string, string> {
  const lines = info.split(/\r?\n/).filter((line) => line.includes(':'))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}
