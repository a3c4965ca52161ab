import {
  busSettings,
  clusterSettings,
  createTopics,
  forwarderSettings,
  kafkaConnection,
  redisSettings
} from '../../../src/app/outside-settings.ts'
import type { Config } from '../../../src/config/schema.ts'
import type { NamedTest } from '../../support/named-tests.ts'
import type { Reached } from './effect.ts'

// What the parts that reach Kafka and Redis are given. What they do with it is proven on real services.

const whole = 'integration/cluster.test.ts'
const kafkaErrors = 'integration/cluster-errors-kafka.test.ts'
const sinkFaults = 'integration/kafka-sink-faults.test.ts'
const tests = {
  cluster: [whole, 'any node takes a command, and it reaches the charge point where it is, once'],
  delivery: [
    whole,
    'while the brokers hang an answer waits for them, or for its patience, or not at all, as delivery.ack says'
  ],
  topics: [kafkaErrors, 'no topic: readiness and doctor say how to make it, and whose right to create it is missing'],
  deadLetters: ['contract/command-source.ts', '…: a record is put aside as it came, with why, whence and when'],
  group: ['contract/command-source.ts', '…: a group that was set back gets its records again'],
  create: [sinkFaults, 'a missing topic is created when that is wished, and one copy is warned about once'],
  compression: [
    'contract/event-sink.kafka.test.ts',
    "a batch lies on the broker's disk compressed with …, as the setting says"
  ],
  sends: [
    'gateway/forwarder.test.ts',
    '2,000 events a second over 64 partitions make no more requests than the budget allows'
  ],
  memory: [
    'gateway/forwarder.test.ts',
    'a stuck partition holds up no other, costs bounded memory, and catches up in order'
  ],
  stall: [
    'gateway/forwarder-refusals.test.ts',
    'a client that acknowledges nothing is made anew, whether it rejects what was outstanding or not (…)'
  ],
  login: [
    kafkaErrors,
    'SCRAM over TLS, and Redis over TLS as an ACL user: events arrive, a command of the topic goes down'
  ],
  plain: [kafkaErrors, 'PLAIN over TLS: events arrive, a command of the topic goes down, and a wrong password is told'],
  password: [kafkaErrors, 'a wrong SASL password is told as that, with the keys to look at'],
  certificate: [
    sinkFaults,
    'brokers that want a certificate take events from who shows one that they know, and nobody else'
  ],
  redisCluster: [
    'integration/redis-cluster-gateways.test.ts',
    'two gateways on a Redis Cluster: a command across nodes, one listing, and doctor has nothing against it'
  ],
  redisPassword: [
    'integration/cluster-errors-redis.test.ts',
    'a wrong password of Redis, or an authority that is not known: readiness says it, doctor what to set'
  ],
  redisDeadline: [
    'integration/redis-faults.test.ts',
    'a Redis that hangs is silent for one deadline; its client is made anew, and works when it goes on'
  ],
  lease: ['contract/node-lease.ts', '…: another installation gets the node id once the lease has run out'],
  adoption: [
    'gateway/adoption.test.ts',
    'no more sessions a second are registered again than the limit says, and then the lease is whole'
  ]
} as const satisfies Readonly<Record<string, NamedTest>>

/** Of the topics that a gateway makes; only the doctor reads it when it makes none. */
const made = (config: Config) =>
  createTopics({ ...config, kafka: { ...config.kafka, createTopics: true } }).createTopics
const redis = (config: Config) => redisSettings(config, config.redis.url ?? '')

export const clusterEffects: Readonly<Record<string, Reached>> = {
  'delivery.ack': {
    reaches: (config) => busSettings(config).brokerPatienceMs === undefined,
    as: true,
    provenBy: tests.delivery
  },
  'delivery.broker_patience': { reaches: (config) => busSettings(config).brokerPatienceMs, provenBy: tests.delivery },
  'kafka.brokers': { reaches: (config) => kafkaConnection(config).brokers, provenBy: tests.cluster },
  'kafka.events_topic': { reaches: (config) => busSettings(config).sink.topic, provenBy: tests.topics },
  'kafka.commands_topic': { reaches: (config) => busSettings(config).source.topic, provenBy: tests.topics },
  'kafka.dead_letter_topic': {
    reaches: (config) => busSettings(config).source.deadLetterTopic,
    provenBy: tests.deadLetters
  },
  'kafka.consumer_group': { reaches: (config) => busSettings(config).source.group, provenBy: tests.group },
  'kafka.create_topics': { reaches: (config) => 'createTopics' in createTopics(config), provenBy: tests.create },
  'kafka.partitions': { reaches: (config) => made(config)?.partitions, provenBy: tests.create },
  'kafka.replication_factor': {
    reaches: (config) => made(config)?.replicationFactor,
    provenBy: tests.create
  },
  'kafka.compression': { reaches: (config) => busSettings(config).sink.compression, provenBy: tests.compression },
  'kafka.sends_per_second_max': { reaches: (config) => forwarderSettings(config).sendsPerS, provenBy: tests.sends },
  'kafka.forward_bytes_max': { reaches: (config) => forwarderSettings(config).bytesMax, provenBy: tests.memory },
  'kafka.ack_stall_max': { reaches: (config) => forwarderSettings(config).ackStallMs, provenBy: tests.stall },
  'kafka.sasl_mechanism': {
    reaches: (config) => kafkaConnection(config).sasl?.mechanism,
    as: 'PLAIN',
    provenBy: tests.plain
  },
  'kafka.sasl_username': { reaches: (config) => kafkaConnection(config).sasl?.username, provenBy: tests.login },
  'kafka.sasl_password': { reaches: (config) => kafkaConnection(config).sasl?.password, provenBy: tests.password },
  'kafka.tls': { reaches: (config) => kafkaConnection(config).tls !== undefined, provenBy: tests.login },
  'kafka.tls_ca_file': {
    reaches: (config) => hasText(kafkaConnection(config).tls?.ca),
    as: true,
    provenBy: tests.login
  },
  'kafka.tls_cert_file': {
    reaches: (config) => hasText(kafkaConnection(config).tls?.cert),
    as: true,
    provenBy: tests.certificate
  },
  'kafka.tls_key_file': {
    reaches: (config) => hasText(kafkaConnection(config).tls?.key),
    as: true,
    provenBy: tests.certificate
  },
  'redis.url': {
    reaches: (config) => config.redis.url && redis(config).rootNodes,
    as: ['redis://redis:6379'],
    provenBy: tests.cluster
  },
  'redis.cluster': { reaches: (config) => redis(config).cluster, provenBy: tests.redisCluster },
  'redis.username': { reaches: (config) => redis(config).username, provenBy: tests.login },
  'redis.password': { reaches: (config) => redis(config).password, provenBy: tests.redisPassword },
  'redis.tls_ca_file': { reaches: (config) => hasText(redis(config).tls?.ca), as: true, provenBy: tests.redisPassword },
  'redis.key_prefix': { reaches: (config) => redis(config).keyPrefix, as: 'other:', provenBy: tests.redisPassword },
  'redis.request_timeout': { reaches: (config) => redis(config).requestTimeoutMs, provenBy: tests.redisDeadline },
  'limits.adoptions_per_second_max': {
    reaches: (config) => clusterSettings(config).adoptionsPerSecondMax,
    provenBy: tests.adoption
  },
  'redis.lease_ttl': { reaches: (config) => redis(config).leaseTtlMs, provenBy: tests.lease }
}

/** Any file that is there stands for a PEM file: its text has to arrive. */
function hasText(text: unknown): boolean {
  return typeof text === 'string' && text.length > 0
}
