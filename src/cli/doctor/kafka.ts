import type { BrokerFacts, KafkaFacts, TopicFacts } from '../../app/inspect-kafka.ts'
import { commandsTopicTimes, eventsTopicBytes, oldestRecordMs, retentionCheckMs } from '../../config/kafka-topics.ts'
import { type Config, schema } from '../../config/schema.ts'
import { formatDuration } from '../../lib/duration.ts'
import { formatSize } from '../../lib/size.ts'
import { type Examined, type Finding, fail, ok, warn } from './finding.ts'

interface Wanted {
  readonly key: 'events_topic' | 'commands_topic' | 'dead_letter_topic'
  readonly name: string
  readonly need: 'read' | 'write'
}

/** Brokers, topics and rights: what makes a gateway's events durable there, and its commands come once. */
export async function kafka({ config, outside }: Examined): Promise<Finding[]> {
  if (config.kafka.brokers.length === 0) return []
  const facts = await outside.kafka()
  if (facts.problem !== undefined) return [fail('kafka', facts.problem, remedyOf(facts.problem))]
  const { eventsTopic, commandsTopic, deadLetterTopic } = config.kafka
  const wanted: readonly Wanted[] = [
    { key: 'events_topic', name: eventsTopic, need: 'write' },
    { key: 'commands_topic', name: commandsTopic, need: 'read' },
    { key: 'dead_letter_topic', name: deadLetterTopic, need: 'write' }
  ]
  return [...brokers(facts), ...wanted.flatMap((topic) => topicFindings(topic, facts, config)), group(facts, config)]
}

function remedyOf(problem: string): string {
  if (/refuses the user name/.test(problem))
    return 'set kafka.sasl_username and kafka.sasl_password to a user of these brokers'
  if (/does not offer|asks for no user/.test(problem))
    return 'set kafka.sasl_mechanism as the listener of the brokers wants it'
  if (/wants TLS or a login/.test(problem))
    return 'set kafka.tls and kafka.sasl_mechanism as this listener wants them, or kafka.brokers to the port of another one'
  if (/certificate|TLS/.test(problem))
    return 'set kafka.tls, kafka.tls_ca_file and the port in kafka.brokers as the listener wants them'
  return 'set kafka.brokers to where the brokers listen, as host:port, and see that this machine may connect there'
}

function brokers({ brokers: all }: KafkaFacts): Finding[] {
  const reached = all.filter(({ reachable }) => reachable)
  const findings: Finding[] = [
    ok(
      'kafka',
      `${reached.length} of ${all.length} brokers reached: ${reached.map(({ address }) => address).join(', ')}`
    )
  ]
  for (const broker of all) if (!broker.reachable) findings.push(unreachable(broker))
  const named = all.filter(({ configured }) => configured)
  if (named.length === 1 && all.length > 1)
    findings.push(
      warn(
        'kafka_brokers',
        `kafka.brokers names one of ${all.length} brokers; a gateway that starts while it is away finds none`,
        `add others to kafka.brokers: ${all
          .filter(({ configured }) => !configured)
          .map(({ address }) => address)
          .join(', ')}`
      )
    )
  return findings
}

function unreachable({ address, configured, problem = 'no answer' }: BrokerFacts): Finding {
  if (configured)
    return warn('kafka_brokers', `${address}: ${problem}`, `start this broker, or take ${address} out of kafka.brokers`)
  // Clients are sent there for the partitions that it leads.
  return fail(
    'kafka_brokers',
    `the brokers send clients to ${address}, which is not reached from here: ${problem}`,
    'start that broker, or set its advertised.listeners to an address that this machine can reach'
  )
}

function topicFindings(wanted: Wanted, facts: KafkaFacts, config: Config): Finding[] {
  const { key, name, need } = wanted
  const topic = facts.topics.get(name)
  if (facts.denied.has(name))
    return [
      fail(
        key,
        `the user may not see the topic ${name}`,
        `grant ${userOf(config)} DESCRIBE and ${need.toUpperCase()} on it`
      )
    ]
  if (!topic) return [missing(wanted, facts, config)]
  const may = need === 'read' ? topic.mayRead : topic.mayWrite
  if (!may) return [fail(key, `${userOf(config)} may not ${need} the topic ${name}`, `grant it ${need.toUpperCase()}`)]
  return [
    ok(key, `${name}: ${topic.partitions} partitions, replication ${topic.replicationFactor}`),
    ...safety(key, topic),
    ...cleanup(key, topic),
    ...(key === 'commands_topic' ? commandsTopic(topic, config) : []),
    ...(key === 'events_topic' ? eventSize(topic, config) : [])
  ]
}

function userOf({ kafka: { saslMechanism, saslUsername } }: Config): string {
  return saslMechanism === 'none' ? 'ANONYMOUS' : (saslUsername ?? '')
}

function missing({ key, name }: Wanted, facts: KafkaFacts, config: Config): Finding {
  const { createTopics, partitions, replicationFactor } = config.kafka
  const count = facts.brokers.filter(({ reachable }) => reachable).length
  if (!createTopics)
    return fail(
      key,
      `the topic ${name} does not exist`,
      `${creation(key, name, Math.min(3, count), config)}, or set kafka.create_topics`
    )
  if (replicationFactor > count)
    return fail(
      key,
      `the topic ${name} does not exist, and ${count} brokers cannot hold kafka.replication_factor ${replicationFactor}`,
      `start more brokers, or set kafka.replication_factor to ${count}`
    )
  const problem = facts.creationProblems.get(name)
  if (problem !== undefined)
    return fail(
      key,
      problem,
      `grant ${userOf(config)} CREATE on the topic ${name}, or: ${creation(key, name, replicationFactor, config)}`
    )
  return ok(
    key,
    `${name} does not exist; a gateway makes it with ${partitions} partitions, replication ${replicationFactor}`
  )
}

/** The command after which there is nothing more to say about the topic. */
function creation(key: Wanted['key'], name: string, replicas: number, config: Config): string {
  const { kafka: settings } = config
  // Dead letters are few, and read by people.
  const partitions = key === 'dead_letter_topic' ? 1 : settings.partitions
  const configs = [
    ...(replicas > 2 ? ['min.insync.replicas=2'] : []),
    ...(key === 'commands_topic' ? timesOf(config.limits) : []),
    ...(key === 'events_topic' ? [bytesOf(config)] : [])
  ]
  return [
    `kafka-topics.sh --create --topic ${name} --partitions ${partitions} --replication-factor ${replicas}`,
    ...configs.map((setting) => `--config ${setting}`),
    `--bootstrap-server ${settings.brokers[0]}`
  ].join(' ')
}

function timesOf({ commandMemoryMs }: Config['limits']): string[] {
  const { retentionMs, segmentMs } = commandsTopicTimes(commandMemoryMs)
  return [`retention.ms=${retentionMs}`, `segment.ms=${segmentMs}`]
}

function bytesOf({ server }: Config): string {
  return `max.message.bytes=${eventsTopicBytes(server.payloadBytesMax)}`
}

/** An event that the brokers have acknowledged must survive the loss of one of them. */
function safety(key: Wanted['key'], { name, replicationFactor, minInsyncReplicas }: TopicFacts): Finding[] {
  const check = `${key}_safety`
  if (replicationFactor === 1)
    return [
      warn(
        check,
        `${name} has replication 1: a broker that is lost takes its records along`,
        'give it 3 replicas (kafka-reassign-partitions.sh), and min.insync.replicas 2'
      )
    ]
  if (minInsyncReplicas === undefined) return []
  const advice = `kafka-configs.sh --alter --entity-type topics --entity-name ${name} --add-config min.insync.replicas=${Math.max(2, replicationFactor - 1)}`
  if (minInsyncReplicas >= replicationFactor)
    return [
      warn(
        check,
        `${name} has min.insync.replicas ${minInsyncReplicas} of ${replicationFactor}: with one broker away nothing can be written`,
        replicationFactor > 2 ? advice : 'give it 3 replicas'
      )
    ]
  if (minInsyncReplicas === 1)
    return [
      warn(
        check,
        `${name} has min.insync.replicas 1: what is acknowledged may lie on one broker alone`,
        replicationFactor > 2 ? advice : 'give it 3 replicas, and min.insync.replicas 2'
      )
    ]
  return [ok(check, `${name}: min.insync.replicas ${minInsyncReplicas} of ${replicationFactor}`)]
}

/** Records have the charge point for a key, and of each key compaction keeps the newest one alone. */
const compactionLoses = {
  events_topic: 'every event but the newest of each charge point is lost',
  commands_topic: 'every command but the newest of each charge point may go unread, without an outcome',
  dead_letter_topic: 'every record but the newest of each charge point is lost, and one without a key is refused'
} as const

function cleanup(key: Wanted['key'], { name, cleanupPolicy = '' }: TopicFacts): Finding[] {
  if (!cleanupPolicy.includes('compact')) return []
  return [
    fail(
      `${key}_cleanup`,
      `${name} has cleanup.policy ${cleanupPolicy}: ${compactionLoses[key]}`,
      `kafka-configs.sh --alter --entity-type topics --entity-name ${name} --add-config cleanup.policy=delete`
    )
  ]
}

function commandsTopic(topic: TopicFacts, config: Config): Finding[] {
  const findings = commandsKept(topic, config)
  if (topic.partitions > 1) return findings
  return [
    warn(
      'commands_topic_partitions',
      `${topic.name} has one partition, so one gateway alone reads commands`,
      'give it as many partitions as there are gateways, or more'
    ),
    ...findings
  ]
}

/** A group that is set back brings as old records as the topic keeps, and what nobody remembers ends a second time. */
function commandsKept({ name, retentionMs, segmentMs }: TopicFacts, config: Config): Finding[] {
  if (retentionMs === undefined || segmentMs === undefined) return []
  const { commandMemoryMs } = config.limits
  const kept =
    retentionMs < 0
      ? 'for ever'
      : `${formatDuration(retentionMs)} (retention.ms), ${formatDuration(segmentMs)} more in the segment that is written to (segment.ms), and ${formatDuration(retentionCheckMs)} until brokers look`
  const found = `${name} keeps records ${kept}; limits.command_memory is ${formatDuration(commandMemoryMs)}`
  const oldestMs = oldestRecordMs({ retentionMs, segmentMs })
  if (oldestMs <= commandMemoryMs) return [ok('commands_topic_retention', found)]
  const remember = `${Math.ceil(oldestMs / 3_600_000)}h`
  const remedies = [
    ...(oldestRecordMs(commandsTopicTimes(commandMemoryMs)) <= commandMemoryMs
      ? [
          `kafka-configs.sh --alter --entity-type topics --entity-name ${name} --add-config ${timesOf(config.limits).join()}`
        ]
      : []),
    ...(schema.limits.command_memory.value.safeParse(remember).success
      ? [`set limits.command_memory to ${remember} or more`]
      : [])
  ]
  return [
    warn(
      'commands_topic_retention',
      `${found}: a group that is set back further brings commands that nobody remembers, and each ends a second time, as expired`,
      remedies.join(', or ') || 'keep its records for less, and set limits.command_memory higher'
    )
  ]
}

function eventSize({ name, recordBytesMax }: TopicFacts, config: Config): Finding[] {
  if (recordBytesMax === undefined) return []
  const { payloadBytesMax } = config.server
  const found = `${name} takes ${formatSize(recordBytesMax)} (max.message.bytes); server.payload_bytes_max is ${formatSize(payloadBytesMax)}`
  if (recordBytesMax >= eventsTopicBytes(payloadBytesMax)) return [ok('events_topic_size', found)]
  return [
    warn(
      'events_topic_size',
      `${found}, and an event can be twice as large, as it may say the payload in its own form and as it came (raw): one that is larger than the topic takes goes as a stub, event.too_large, and the whole stays at its node`,
      `kafka-configs.sh --alter --entity-type topics --entity-name ${name} --add-config ${bytesOf(config)}, or lower server.payload_bytes_max`
    )
  ]
}

function group({ groupProblem }: KafkaFacts, config: Config): Finding {
  const { consumerGroup } = config.kafka
  if (groupProblem === undefined) return ok('consumer_group', `${consumerGroup} may be used`)
  return fail('consumer_group', groupProblem, `grant ${userOf(config)} READ on the group ${consumerGroup}`)
}
