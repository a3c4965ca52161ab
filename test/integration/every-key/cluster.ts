import {
  busSettings,
  clusterSettings,
  createTopics,
  forwarderSettings,
  kafkaConnection,
  redisSettings
} from '../../../src/app/outside-settings.ts'
import type { Config } from '../../../src/config/schema.ts'
import type { Reached } from './effect.ts'

// What the parts that reach Kafka and Redis are given. What they do with it is proven on real services.

const cluster = [
  'test/integration/cluster.test.ts',
  'any node takes a command, and it reaches the charge point where it is, once'
] as const
const adoption = [
  'test/gateway/adoption.test.ts',
  'no more sessions a second are registered again than the limit says'
] as const
const sink = ['test/contract/event-sink.kafka.test.ts', 'Kafka'] as const
const source = ['test/contract/command-source.kafka.test.ts', 'Kafka'] as const
const forwarder = [
  'test/gateway/forwarder.test.ts',
  'a stuck partition holds up no other, costs bounded memory, and catches up in order'
] as const
const gate = [
  'test/gateway/delivery-gate.test.ts',
  'when patience is lost everybody is answered from disk, once per outage'
] as const
const registry = ['test/contract/nodes.redis.test.ts', 'nodeLeaseContract'] as const

const redis = (config: Config) => redisSettings(config, config.redis.url ?? '')

export const clusterEffects: Readonly<Record<string, Reached>> = {
  'delivery.ack': { reaches: (config) => busSettings(config).brokerPatienceMs === undefined, as: true, provenBy: gate },
  'delivery.broker_patience': { reaches: (config) => busSettings(config).brokerPatienceMs, provenBy: gate },
  'kafka.brokers': { reaches: (config) => kafkaConnection(config).brokers, provenBy: cluster },
  'kafka.events_topic': { reaches: (config) => busSettings(config).sink.topic, provenBy: sink },
  'kafka.commands_topic': { reaches: (config) => busSettings(config).source.topic, provenBy: source },
  'kafka.dead_letter_topic': { reaches: (config) => busSettings(config).source.deadLetterTopic, provenBy: source },
  'kafka.consumer_group': { reaches: (config) => busSettings(config).source.group, provenBy: source },
  'kafka.create_topics': { reaches: (config) => 'createTopics' in createTopics(config), provenBy: sink },
  'kafka.partitions': { reaches: (config) => createTopics(config).createTopics?.partitions, provenBy: sink },
  'kafka.replication_factor': {
    reaches: (config) => createTopics(config).createTopics?.replicationFactor,
    provenBy: sink
  },
  'kafka.compression': { reaches: (config) => busSettings(config).sink.compression, provenBy: sink },
  'kafka.sends_per_second_max': { reaches: (config) => forwarderSettings(config).sendsPerS, provenBy: forwarder },
  'kafka.forward_bytes_max': { reaches: (config) => forwarderSettings(config).bytesMax, provenBy: forwarder },
  'kafka.ack_stall_max': { reaches: (config) => forwarderSettings(config).ackStallMs, provenBy: forwarder },
  'kafka.sasl_mechanism': { reaches: (config) => kafkaConnection(config).sasl?.mechanism, as: 'PLAIN', provenBy: sink },
  'kafka.sasl_username': { reaches: (config) => kafkaConnection(config).sasl?.username, provenBy: sink },
  'kafka.sasl_password': { reaches: (config) => kafkaConnection(config).sasl?.password, provenBy: sink },
  'kafka.tls': { reaches: (config) => kafkaConnection(config).tls !== undefined, provenBy: sink },
  'kafka.tls_ca_file': { reaches: (config) => hasText(kafkaConnection(config).tls?.ca), as: true, provenBy: sink },
  'kafka.tls_cert_file': { reaches: (config) => hasText(kafkaConnection(config).tls?.cert), as: true, provenBy: sink },
  'kafka.tls_key_file': { reaches: (config) => hasText(kafkaConnection(config).tls?.key), as: true, provenBy: sink },
  'redis.url': {
    reaches: (config) => config.redis.url && redis(config).rootNodes,
    as: ['redis://redis:6379'],
    provenBy: cluster
  },
  'redis.cluster': { reaches: (config) => redis(config).cluster, provenBy: registry },
  'redis.username': { reaches: (config) => redis(config).username, provenBy: registry },
  'redis.password': { reaches: (config) => redis(config).password, provenBy: registry },
  'redis.tls_ca_file': { reaches: (config) => hasText(redis(config).tls?.ca), as: true, provenBy: registry },
  'redis.key_prefix': { reaches: (config) => redis(config).keyPrefix, as: 'other:', provenBy: registry },
  'redis.request_timeout': { reaches: (config) => redis(config).requestTimeoutMs, provenBy: registry },
  'limits.adoptions_per_second_max': {
    reaches: (config) => clusterSettings(config).adoptionsPerSecondMax,
    provenBy: adoption
  },
  'redis.lease_ttl': { reaches: (config) => redis(config).leaseTtlMs, provenBy: registry }
}

/** Any file that is there stands for a PEM file: its text has to arrive. */
function hasText(text: unknown): boolean {
  return typeof text === 'string' && text.length > 0
}
