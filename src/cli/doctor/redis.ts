import { resolve } from 'node:path'
import type { NodeHolder, RedisServerFacts } from '../../app/inspect-redis.ts'
import type { Config } from '../../config/schema.ts'
import { clockApartMsMax, clocksApartMs } from '../../lib/clocks-apart.ts'
import { formatDuration } from '../../lib/duration.ts'
import { formatSize } from '../../lib/size.ts'
import { type Examined, type Finding, fail, ok, warn } from './finding.ts'

/** Sharded pub/sub, which nodes of a Redis Cluster talk by, came with it. */
const oldestMajor = 7
/** A gateway warns at `clockApartMsMax`; at this its commands expire before they are sent. */
const offsetFailMs = 60_000
/** Above this share of `maxmemory` it is time to act: with `noeviction` a full server takes no claims. */
const memoryShareMax = 0.8

/** What the gateways share in Redis must not be thrown away, and its clock must be theirs. */
export async function redis({ config, outside }: Examined): Promise<Finding[]> {
  if (config.redis.url === undefined) return []
  const facts = await outside.redis()
  if ('problem' in facts) return [fail('redis', facts.problem, facts.remedy)]
  const servers = facts.servers.flatMap((server) => [
    reached(server),
    eviction(server),
    persistence(server),
    memory(server),
    clocks(server)
  ])
  return [...servers, nodeId(config, facts.holder, facts.servers.find(isFull))]
}

/** Two gateways with one id: the second does not start, or finds its charge points without commands. */
function nodeId(
  { node, dataDir }: Config,
  holder: NodeHolder | undefined,
  full: RedisServerFacts | undefined
): Finding {
  const name = `node ${JSON.stringify(node.id)}`
  if (!holder && full)
    return warn(
      'node_id',
      `whether a gateway runs as ${name} cannot be told: ${full.address} is full, so no lease is renewed`,
      'raise maxmemory, and run doctor again'
    )
  if (!holder) return ok('node_id', `no gateway holds the lease of ${name}`)
  const { is, installation, leftMs, problem } = holder
  if (is === 'this') return ok('node_id', `the gateway of this data_dir runs as ${name}`)
  if (is === 'unknown')
    return warn(
      'node_id',
      `a gateway (installation ${installation}) runs as ${name}; whether it is the one of ${resolve(dataDir)} cannot be told: ${problem}`,
      'run doctor as the user of the gateway'
    )
  return fail(
    'node_id',
    `another gateway (installation ${installation}) runs as ${name}; its data_dir is not ${resolve(dataDir)}`,
    `give each gateway a node.id of its own, or name the data_dir of that one if it is meant; if it is gone for good, its lease runs out in ${Math.max(1, Math.ceil(leftMs / 1_000))} s`
  )
}

function reached(server: RedisServerFacts): Finding {
  const { address, version, mode, role, roundTripMs } = server
  const found = `${address}: Redis ${version}, ${mode}, ${role}, answers in ${roundTripMs} ms`
  if (role !== 'master' && role !== 'unknown')
    return fail('redis', found, 'set redis.url to the master: a replica takes no writes')
  if (Number.parseInt(version, 10) < oldestMajor) return fail('redis', found, `install Redis ${oldestMajor} or newer`)
  return ok('redis', found)
}

function eviction({ address, evictionPolicy }: RedisServerFacts): Finding {
  const found = `${address}: maxmemory-policy ${evictionPolicy}`
  if (evictionPolicy === 'noeviction') return ok('redis_eviction', found)
  const advice =
    'set maxmemory-policy to noeviction (redis.conf, and now: CONFIG SET maxmemory-policy noeviction): a server that evicts forgets who owns a charge point and which commands ran'
  return evictionPolicy === 'unknown' ? warn('redis_eviction', found, advice) : fail('redis_eviction', found, advice)
}

function persistence({ address, persistence: kind }: RedisServerFacts): Finding {
  if (kind === 'aof') return ok('redis_persistence', `${address}: append-only file`)
  if (kind === 'rdb')
    return warn(
      'redis_persistence',
      `${address}: snapshots alone; a restart loses what came after the last`,
      'set appendonly yes'
    )
  return warn(
    'redis_persistence',
    `${address}: none, or not known; a restart empties it: nodes register anew, open commands end as ledger_lost`,
    'set appendonly yes (and grant +config|get, or doctor cannot see snapshots)'
  )
}

/** Who evicts is never full: what that costs is another finding. */
function isFull({ evictionPolicy, memoryBytes, memoryBytesMax }: RedisServerFacts): boolean {
  return evictionPolicy === 'noeviction' && memoryBytesMax > 0 && memoryBytes >= memoryBytesMax
}

function memory(server: RedisServerFacts): Finding {
  const { address, memoryBytes, memoryBytesMax } = server
  const used = `${address}: ${formatSize(memoryBytes)} used`
  if (memoryBytesMax === 0) return ok('redis_memory', `${used}, no maxmemory`)
  const found = `${used} of maxmemory ${formatSize(memoryBytesMax)}`
  if (memoryBytes <= memoryBytesMax * memoryShareMax) return ok('redis_memory', found)
  if (isFull(server))
    return fail(
      'redis_memory',
      `${found}: it is full and refuses writes`,
      'raise maxmemory (redis.conf, and now: CONFIG SET maxmemory ...): until then no lease is renewed and no command is taken'
    )
  return warn('redis_memory', found, 'raise maxmemory: a full server takes no claims and no commands')
}

function clocks({ address, clockOffsetMs, roundTripMs }: RedisServerFacts): Finding {
  const apartMs = clocksApartMs({ clockOffsetMs, roundTripMs })
  const side = clockOffsetMs > 0 ? 'ahead of' : 'behind'
  if (apartMs <= clockApartMsMax)
    return ok(
      'clock_redis',
      `${address}: its clock and this one are at most ${Math.max(1, Math.abs(clockOffsetMs))} ms apart`
    )
  const found = `${address}: its clock is ${formatDuration(Math.max(1, Math.round(Math.abs(clockOffsetMs) / 1000)) * 1000)} ${side} this one`
  const advice =
    'keep all machines on time with NTP (timedatectl set-ntp true): epochs and the expiry of commands are wall time'
  return apartMs >= offsetFailMs ? fail('clock_redis', found, advice) : warn('clock_redis', found, advice)
}
