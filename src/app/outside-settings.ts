import { readFileSync } from 'node:fs'
import type { KafkaConnection } from '../adapters/kafka/connection-options.ts'
import type { CreateTopicSettings } from '../adapters/kafka/topic.ts'
import type { RedisOptions } from '../adapters/redis/create-redis.ts'
import { commandsTopicTimes, eventsTopicBytes } from '../config/kafka-topics.ts'
import type { Config } from '../config/schema.ts'
import type { ClusterSettings } from '../gateway/cluster/cluster.ts'
import type { ForwarderSettings } from '../gateway/forwarder.ts'
import { GatewayError } from '../lib/gateway-error.ts'

// What the parts that reach Kafka and Redis read of the configuration.

const saslMechanisms = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512'
} as const

export function kafkaConnection(config: Config): KafkaConnection {
  const { brokers, saslMechanism, saslUsername = '', saslPassword = '', tls } = config.kafka
  return {
    brokers,
    clientId: `charge-point-gateway-${config.node.id}`,
    ...(saslMechanism === 'none'
      ? {}
      : { sasl: { mechanism: saslMechanisms[saslMechanism], username: saslUsername, password: saslPassword } }),
    ...(tls ? { tls: kafkaTls(config) } : {})
  }
}

function kafkaTls({ kafka }: Config): NonNullable<KafkaConnection['tls']> {
  return {
    ...pem('ca', 'kafka.tls_ca_file', kafka.tlsCaFile),
    ...pem('cert', 'kafka.tls_cert_file', kafka.tlsCertFile),
    ...pem('key', 'kafka.tls_key_file', kafka.tlsKeyFile)
  }
}

export function createTopics(config: Config): { readonly createTopics?: CreateTopicSettings } {
  const { createTopics: wanted, partitions, replicationFactor } = config.kafka
  return wanted ? { createTopics: { partitions, replicationFactor } } : {}
}

/** Without a patience an answer waits for the own disk alone. */
export function busSettings({ kafka, delivery, limits, server }: Config) {
  return {
    sink: {
      topic: kafka.eventsTopic,
      compression: kafka.compression,
      createdBytesMax: eventsTopicBytes(server.payloadBytesMax)
    },
    source: {
      topic: kafka.commandsTopic,
      group: kafka.consumerGroup,
      deadLetterTopic: kafka.deadLetterTopic,
      // What is remembered no longer must not come back.
      times: commandsTopicTimes(limits.commandMemoryMs)
    },
    brokerPatienceMs: delivery.ack === 'broker' ? delivery.brokerPatienceMs : undefined
  }
}

/** 20,000 connections: 67 requests a second. */
const recheckMs = 300_000

export function clusterSettings({ node, limits, redis }: Config): ClusterSettings {
  const { adoptionsPerSecondMax } = limits
  return { node: node.id, adoptionsPerSecondMax, leaseTtlMs: redis.leaseTtlMs, recheckMs }
}

const batchRecordsMax = 1_000
const batchBytesMax = 1_000_000

export function forwarderSettings(config: Config): ForwarderSettings {
  const { kafka, node } = config
  return {
    node: node.id,
    topic: kafka.eventsTopic,
    bytesMax: kafka.forwardBytesMax,
    batchRecordsMax,
    batchBytesMax,
    sendsPerS: kafka.sendsPerSecondMax,
    sendsBurst: Math.max(1, Math.ceil(kafka.sendsPerSecondMax / 6)),
    ackStallMs: kafka.ackStallMaxMs
  }
}

export function redisSettings(
  config: Config,
  url: string
): Omit<RedisOptions, 'installation' | 'clock' | 'logger' | 'metrics'> {
  const { redis, node, limits } = config
  return {
    rootNodes: url.split(','),
    cluster: redis.cluster,
    keyPrefix: `${redis.keyPrefix}:`,
    requestTimeoutMs: redis.requestTimeoutMs,
    leaseTtlMs: redis.leaseTtlMs,
    nodeId: node.id,
    commandMemoryMs: limits.commandMemoryMs,
    ...(redis.username === undefined ? {} : { username: redis.username }),
    ...(redis.password === undefined ? {} : { password: redis.password }),
    ...(redis.tlsCaFile === undefined ? {} : { tls: pem('ca', 'redis.tls_ca_file', redis.tlsCaFile) })
  }
}

/** The text of a PEM file, under the name that its reader wants. */
function pem<N extends string>(name: N, key: string, path: string | undefined): { readonly [K in N]?: string } {
  if (path === undefined) return {}
  try {
    return { [name]: readFileSync(path, 'utf8') } as { readonly [K in N]?: string }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GatewayError('file_not_readable', `${key}: ${why}. Name a PEM file that this process may read.`, {
      cause
    })
  }
}
