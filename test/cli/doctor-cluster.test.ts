import { match, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { KafkaFacts, TopicFacts } from '../../src/app/inspect-kafka.ts'
import type { NodeHolder, RedisServerFacts } from '../../src/app/inspect-redis.ts'
import { choices } from '../../src/cli/doctor/choices.ts'
import type { Finding, Machine, Outside } from '../../src/cli/doctor/finding.ts'
import { kafka } from '../../src/cli/doctor/kafka.ts'
import { redis } from '../../src/cli/doctor/redis.ts'
import { loadConfig } from '../../src/config/load.ts'

const hour = 3_600_000
const topic: TopicFacts = {
  name: '',
  partitions: 6,
  replicationFactor: 3,
  minInsyncReplicas: 2,
  retentionMs: 12 * hour,
  segmentMs: hour,
  recordBytesMax: 2 * 1024 ** 2,
  cleanupPolicy: 'delete',
  mayRead: true,
  mayWrite: true
}
const names = ['ocpp-events-up', 'commands-down', 'commands-down-dead']
const brokers = ['k-1:9092', 'k-2:9092'].map((address) => ({ address, configured: true, reachable: true }))

function kafkaFacts(
  of: Record<string, Partial<TopicFacts> | undefined> = {},
  more: Partial<KafkaFacts> = {}
): KafkaFacts {
  const present = names.filter((name) => !(name in of) || of[name] !== undefined)
  const topics = new Map(present.map((name) => [name, { ...topic, name, ...of[name] }]))
  return { brokers, topics, denied: new Set(), creationProblems: new Map(), ...more }
}

const healthy: RedisServerFacts = {
  address: 'redis:6379',
  version: '7.4.1',
  mode: 'standalone',
  role: 'master',
  persistence: 'aof',
  evictionPolicy: 'noeviction',
  memoryBytes: 1e6,
  memoryBytesMax: 0,
  clockOffsetMs: 3,
  roundTripMs: 1
}

async function examine(outside: Partial<Outside>, ...flags: string[]): Promise<Finding[]> {
  const argv = ['--kafka.brokers=k-1:9092,k-2:9092', '--redis.url=redis://redis:6379', ...flags]
  const missing = (file: string): never => {
    throw Object.assign(new Error(file), { code: 'ENOENT' })
  }
  const loaded = loadConfig({ argv, env: {}, hostName: 'h', readFile: missing })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  const nobody = { kafka: async () => kafkaFacts(), redis: async () => ({ cluster: false, servers: [healthy] }) }
  const examined = {
    config: loaded.config,
    isSet: () => true,
    machine: {} as Machine,
    outside: { ...nobody, ...outside }
  }
  return [...(await kafka(examined)), ...(await redis(examined))]
}

async function expect(outside: Partial<Outside>, line: RegExp, ...flags: string[]): Promise<void> {
  const findings = await examine(outside, ...flags)
  const lines = findings.map(({ check, state, found, advice = '' }) => `${state} ${check}: ${found} -> ${advice}`)
  ok(
    lines.some((text) => line.test(text)),
    `${line} in\n${lines.join('\n')}`
  )
  for (const { state, advice } of findings) strictEqual(state === 'ok', advice === undefined)
}

const withKafka = (...facts: Parameters<typeof kafkaFacts>): Partial<Outside> => ({
  kafka: async () => kafkaFacts(...facts)
})
const withRedis = (facts: Partial<RedisServerFacts>): Partial<Outside> => ({
  redis: async () => ({ cluster: false, servers: [{ ...healthy, ...facts }] })
})

test('a Kafka and a Redis as they should be have nothing to look at', async () => {
  const findings = await examine({})
  ok(findings.length >= 12)
  ok(
    findings.every(({ state }) => state === 'ok'),
    JSON.stringify(findings)
  )
})

test('how safe a topic is comes from its replicas and how many of them must have a record', async () => {
  const events = (facts: Partial<TopicFacts>) => withKafka({ 'ocpp-events-up': facts })
  await expect(
    events({ replicationFactor: 1, minInsyncReplicas: 1 }),
    /^warn events_topic_safety: .*replication 1: a broker that is lost/
  )
  await expect(
    events({ minInsyncReplicas: 1 }),
    /^warn events_topic_safety: .*on one broker alone -> .*min\.insync\.replicas=2/
  )
  await expect(
    events({ minInsyncReplicas: 3 }),
    /^warn events_topic_safety: .*nothing can be written -> .*min\.insync\.replicas=2/
  )
  await expect(
    events({ recordBytesMax: 100_000 }),
    /^warn events_topic_size: .*97\.7KiB.*stub, event\.too_large.* -> .*max\.message\.bytes=2097152/
  )
})

// The doctor's ok began at one payload while its own advice was two: an event with `raw` says the payload twice.
test('the topic of events is fine from the size that the doctor advises, and not below', async () => {
  const events = (recordBytesMax: number) => withKafka({ 'ocpp-events-up': { recordBytesMax } })
  await expect(events(1_048_588), /^warn events_topic_size: .*twice as large.* -> .*max\.message\.bytes=2097152/)
  await expect(events(2_097_151), /^warn events_topic_size/)
  await expect(events(2_097_152), /^ok events_topic_size/)
  await expect(events(1_048_588), /^ok events_topic_size/, '--server.payload_bytes_max=512KiB')
})

test('a topic that is compacted is a failure, for it keeps one record of each charge point', async () => {
  for (const [name, check, loses] of [
    ['ocpp-events-up', 'events_topic', 'every event but the newest'],
    ['commands-down', 'commands_topic', 'without an outcome'],
    ['commands-down-dead', 'dead_letter_topic', 'without a key is refused']
  ] as const)
    for (const cleanupPolicy of ['compact', 'compact,delete']) {
      const advice = `kafka-configs\\.sh .* --entity-name ${name} --add-config cleanup\\.policy=delete$`
      const line = new RegExp(`^fail ${check}_cleanup: .*policy ${cleanupPolicy}: .*${loses}.* -> ${advice}`)
      await expect(withKafka({ [name]: { cleanupPolicy } }), line)
    }
})

test('the topic of commands must not keep records for longer than the ledger remembers', async () => {
  const commands = (facts: Partial<TopicFacts>) => withKafka({ 'commands-down': facts })
  await expect(
    commands({ retentionMs: 168 * hour }),
    /^warn commands_topic_retention: .*168h.*24h.*retention\.ms=79200000,segment\.ms=3600000, or set limits\.command_memory to 170h or more$/
  )
  await expect(commands({ retentionMs: -1 }), /^warn commands_topic_retention: .*for ever/)
  await expect(commands({ retentionMs: 22 * hour }), /^ok commands_topic_retention/)
  await expect(commands({ retentionMs: 48 * hour }), /^ok commands_topic_retention/, '--limits.command_memory=50h')
  await expect(commands({ partitions: 1 }), /^warn commands_topic_partitions: .*one gateway alone/)
})

// With a retention of 3 s and a record a second the oldest was still there after 25 s: Kafka goes on with a segment for
// `segment.ms`, a week by default, and deletes it as a whole.
test('what the brokers keep beyond the retention counts too: the segment that is written to, and until they look', async () => {
  const commands = (facts: Partial<TopicFacts>) => withKafka({ 'commands-down': facts })
  const advice =
    /^warn commands_topic_retention: .* 168h more in the segment .*nobody remembers.* -> .*segment\.ms=3600000, or set .* 192h/
  await expect(commands({ retentionMs: 24 * hour - 600_000, segmentMs: 168 * hour }), advice)
  await expect(commands({ retentionMs: 23 * hour - 300_000 }), /^ok commands_topic_retention/)
  await expect(commands({ retentionMs: 23 * hour - 299_999 }), /^warn commands_topic_retention/)
  // No topic can forget sooner than brokers look, and nobody can remember for longer than 90 days.
  await expect(
    commands({ retentionMs: 60_000, segmentMs: 60_000 }),
    /^warn commands_topic_retention: .* -> set limits\.command_memory to 1h or more$/,
    '--limits.command_memory=6m'
  )
  await expect(commands({ retentionMs: -1 }), /^warn commands_topic_retention: .* -> .*segment\.ms=3600000$/)
})

test('a topic that is missing is made, or told how to make, or cannot be made', async () => {
  const without = withKafka({ 'commands-down': undefined })
  await expect(
    without,
    /^fail commands_topic: .*does not exist -> kafka-topics\.sh --create --topic commands-down --partitions 12 --replication-factor 2 --config retention\.ms=79200000 --config segment\.ms=3600000 --bootstrap-server k-1:9092, or set/
  )
  await expect(
    withKafka(
      { 'commands-down-dead': undefined },
      { brokers: [...brokers, { address: 'k-3:9092', configured: true, reachable: true }] }
    ),
    /^fail dead_letter_topic: .* --partitions 1 --replication-factor 3 --config min\.insync\.replicas=2 --bootstrap-server/
  )
  await expect(
    without,
    /^fail commands_topic: .*2 brokers cannot hold kafka\.replication_factor 3 -> .*to 2/,
    '--kafka.create_topics=true'
  )
  await expect(
    without,
    /^ok commands_topic: .*a gateway makes it/,
    '--kafka.create_topics=true',
    '--kafka.replication_factor=2'
  )
  await expect(
    withKafka(
      { 'commands-down': undefined },
      { creationProblems: new Map([['commands-down', 'the user may not create it']]) }
    ),
    /^fail commands_topic: the user may not create it -> grant ANONYMOUS CREATE on the topic commands-down, or: kafka-topics\.sh/,
    '--kafka.create_topics=true',
    '--kafka.replication_factor=2'
  )
  await expect(
    withKafka({ 'commands-down': undefined }, { denied: new Set(['commands-down']) }),
    /^fail commands_topic: .*may not see/
  )
  await expect(withKafka({ 'ocpp-events-up': { mayWrite: false } }), /^fail events_topic: ANONYMOUS may not write/)
  await expect(withKafka({ 'commands-down': { mayRead: false } }), /^fail commands_topic: ANONYMOUS may not read/)
  await expect(
    withKafka({}, { groupProblem: 'no' }),
    /^fail consumer_group: no -> grant ANONYMOUS READ on the group charge-point-gateway/
  )
})

test('a broker that is away: of the list a warning, one that clients are sent to a failure', async () => {
  const away = (configured: boolean) => [
    ...brokers,
    { address: 'k-3:9092', configured, reachable: false, problem: 'gone' }
  ]
  await expect(withKafka({}, { brokers: away(true) }), /^warn kafka_brokers: k-3:9092: gone/)
  await expect(
    withKafka({}, { brokers: away(false) }),
    /^fail kafka_brokers: .*send clients to k-3:9092.*advertised\.listeners/
  )
})

test('Redis: its version, role, policy, memory, persistence and clock', async () => {
  await expect(withRedis({ version: '6.2.1' }), /^fail redis: .*install Redis 7/)
  await expect(withRedis({ role: 'slave' }), /^fail redis: .*the master/)
  await expect(withRedis({ evictionPolicy: 'allkeys-lru' }), /^fail redis_eviction: .*noeviction/)
  await expect(withRedis({ evictionPolicy: 'unknown' }), /^warn redis_eviction/)
  await expect(withRedis({ memoryBytes: 99, memoryBytesMax: 100 }), /^warn redis_memory: .*raise maxmemory/)
  await expect(withRedis({ persistence: 'rdb' }), /^warn redis_persistence: .*snapshots alone/)
  await expect(withRedis({ persistence: 'none' }), /^warn redis_persistence: .*appendonly yes/)
  await expect(withRedis({ clockOffsetMs: 5_000 }), /^warn clock_redis: .*5s ahead of/)
  await expect(withRedis({ clockOffsetMs: -180_020 }), /^fail clock_redis: .*3m behind/)
  // An answer that took long says little about the clock.
  await expect(withRedis({ clockOffsetMs: 5_000, roundTripMs: 9_000 }), /^ok clock_redis/)
})

test('a node.id that another installation holds is a failure; that of the running gateway itself is not', async () => {
  const held = (is: NodeHolder['is'], problem?: string): Partial<Outside> => {
    const holder = { is, installation: 'i-1', leftMs: 8_200, ...(problem !== undefined && { problem }) }
    return { redis: async () => ({ cluster: false, servers: [healthy], holder }) }
  }
  await expect({}, /^ok node_id: no gateway holds the lease of node "h"/)
  await expect(held('this'), /^ok node_id: the gateway of this data_dir runs as node "h"/)
  await expect(
    held('another'),
    /^fail node_id: another gateway \(installation i-1\) runs as node "h".* -> give each gateway a node\.id .* runs out in 9 s$/
  )
  await expect(held('unknown', 'EACCES'), /^warn node_id: .*i-1.*cannot be told: EACCES -> run doctor as the user/)
})

// With maxmemory below what was used the doctor had nothing to repair, and said that nobody runs as the node that it stood beside.
test('a Redis that is full is a failure, and says nothing of who runs as this node.id once the lease has run out', async () => {
  const server = { ...healthy, memoryBytes: 100, memoryBytesMax: 100 }
  const full = (holder?: NodeHolder): Partial<Outside> => ({
    redis: async () => ({ cluster: false, servers: [healthy, server], ...(holder && { holder }) })
  })
  await expect(full(), /^fail redis_memory: .*refuses writes -> raise maxmemory .*CONFIG SET maxmemory/)
  await expect(
    full(),
    /^warn node_id: .*node "h" cannot be told: redis:6379 is full.* -> raise maxmemory, and run doctor/
  )
  await expect(full({ is: 'this', installation: 'i-1', leftMs: 900 }), /^ok node_id: the gateway of this data_dir/)
  // It makes room by itself, which is a failure of its own.
  await expect(withRedis({ ...server, evictionPolicy: 'allkeys-lru' }), /^warn redis_memory/)
})

test('without Kafka and Redis in the configuration nobody is asked', async () => {
  const loaded = loadConfig({
    argv: [],
    env: {},
    hostName: 'h',
    readFile: () => {
      throw Object.assign(new Error(), { code: 'ENOENT' })
    }
  })
  ok(loaded.ok)
  const never = () => Promise.reject(new Error('asked'))
  const examined = {
    config: loaded.config,
    isSet: () => false,
    machine: {} as Machine,
    outside: { kafka: never, redis: never }
  }
  strictEqual((await kafka(examined)).length + (await redis(examined)).length, 0)
  const problem = { problem: 'Redis is full', remedy: 'raise its maxmemory' }
  match(
    JSON.stringify(await examine({ redis: async () => problem })),
    /"found":"Redis is full","advice":"raise its maxmemory"/
  )
})

test('Kafka without Redis, or Redis without Kafka: it is said what does not work then', () => {
  const shared = (...argv: string[]): string[] => {
    const missing = (file: string): never => {
      throw Object.assign(new Error(file), { code: 'ENOENT' })
    }
    const loaded = loadConfig({ argv, env: {}, hostName: 'h', readFile: missing })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
    const examined = { config: loaded.config, isSet: () => true, machine: {} as Machine, outside: {} as Outside }
    const found = choices(examined).filter(({ check }) => check === 'shared')
    return found.map(({ state, found, advice }) => `${state} ${found} -> ${advice}`)
  }
  match(shared('--kafka.brokers=k:9092').join(), /^warn .*command.*not_sent -> set redis\.url/)
  match(shared('--redis.url=redis://r').join(), /^warn .*no topic.* -> set kafka\.brokers/)
  strictEqual(shared('--kafka.brokers=k:9092', '--redis.url=redis://r').length, 0)
  strictEqual(shared().length, 0)
})

test('a port that closes at once: TLS and a login are named', async () => {
  await expect(
    withKafka({}, { problem: 'Kafka cannot be reached. A port that wants TLS or a login closes like this.' }),
    /^fail kafka: .* -> set kafka\.tls and kafka\.sasl_mechanism/
  )
})
