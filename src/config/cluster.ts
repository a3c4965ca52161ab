import { choice, duration, flag, integer, list, optionalSecret, optionalText, size, text } from './setting.ts'

const file = { pattern: /^[^\p{Cc}]*\S[^\p{Cc}]*$/u, expected: 'a file name', example: '/etc/cpg/ca.pem' }
const topic = {
  pattern: /^[A-Za-z0-9._-]{1,249}$/,
  expected: 'a name of a topic: letters, digits and ._-',
  example: 'ocpp-events-up'
}
const broker = { pattern: /^\[?[A-Za-z0-9.:_-]+\]?:\d{1,5}$/, expected: '`host:port`', example: 'kafka-1:9092' }
const redisUrl = {
  pattern: /^rediss?:\/\/[^\s/,]+(?:\/\d+)?(?:,rediss?:\/\/[^\s/,]+)*$/,
  expected: 'a URL such as redis://host:6379',
  example: 'redis://redis:6379'
}
const prefix = { pattern: /^[A-Za-z0-9._-]{1,64}$/, expected: 'letters, digits and ._- (at most 64)', example: 'cpg' }
const anyText = { pattern: /^[^\p{Cc}]*\S[^\p{Cc}]*$/u, expected: 'a text', example: 'gateway' }

/** What a gateway needs to share the work with others. Without `kafka.brokers` and `redis.url` nothing of it is used. */
export const clusterGroups = {
  delivery: {
    ack: choice(
      ['broker', 'local'],
      'broker',
      'With Kafka: answer a message once the brokers have its events, or once they are on the own disk.'
    ),
    broker_patience: duration(
      '10s',
      { min: '100ms', max: '10m' },
      'How long answers wait for the brokers before they are given from the own disk until the backlog is drained.'
    )
  },
  kafka: {
    brokers: list('Brokers to begin with; none: no Kafka.', broker),
    events_topic: text('ocpp-events-up', 'Topic that events are published to.', topic),
    commands_topic: text('commands-down', 'Topic that commands are read from.', topic),
    dead_letter_topic: text(
      'commands-down-dead',
      'Topic for records that are no commands, each with the reason in its headers; one with an id of its own gets an outcome too.',
      topic
    ),
    consumer_group: text('charge-point-gateway', 'Group in which the gateways share the commands.', topic),
    create_topics: flag(false, 'Create missing topics with `kafka.partitions` and `kafka.replication_factor`.'),
    partitions: integer(12, { min: 1, max: 10_000 }, 'Partitions of a topic that the gateway creates.'),
    replication_factor: integer(3, { min: 1, max: 16 }, 'Replicas of a topic that the gateway creates.'),
    compression: choice(['none', 'gzip', 'snappy', 'lz4', 'zstd'], 'none', 'Compression of published batches.'),
    sends_per_second_max: integer(
      400,
      { min: 1, max: 100_000 },
      'Requests a second to the brokers: below it an event goes out at once, at it partitions gather batches.'
    ),
    forward_bytes_max: size('32MiB', { min: '1MiB', max: '4GiB' }, 'Bytes of events on their way to the brokers.'),
    ack_stall_max: duration(
      '90s',
      { min: '10s', max: '1h' },
      'Time without an acknowledgement from reachable brokers after which the client is made anew.'
    ),
    sasl_mechanism: choice(
      ['none', 'plain', 'scram-sha-256', 'scram-sha-512'],
      'none',
      'How the gateway proves to the brokers who it is.'
    ),
    sasl_username: optionalText('User name for SASL.', anyText),
    sasl_password: optionalSecret('Password for SASL.', anyText),
    tls: flag(false, 'Speak TLS with the brokers.'),
    tls_ca_file: optionalText('Certificate authorities of the brokers (PEM); absent: those of the system.', file),
    tls_cert_file: optionalText('Certificate of the gateway for the brokers (PEM).', file),
    tls_key_file: optionalText('Key of that certificate (PEM).', file)
  },
  redis: {
    url: optionalText(
      'Redis that the gateways share; absent: this gateway is alone. `rediss://` speaks TLS.',
      redisUrl
    ),
    cluster: flag(false, '`redis.url` names nodes of a Redis Cluster, one or several with commas between them.'),
    username: optionalText('ACL user of Redis.', anyText),
    password: optionalSecret('Password of Redis.', anyText),
    tls_ca_file: optionalText('Certificate authorities of Redis (PEM); absent: those of the system.', file),
    key_prefix: text('cpg', 'Begin of every key; two clusters of gateways on one Redis differ in it.', prefix),
    request_timeout: duration('1s', { min: '50ms', max: '1m' }, 'Time for Redis, and for another node, to answer.'),
    lease_ttl: duration(
      '5s',
      { min: '2s', max: '5m' },
      'Time without a sign of life after which a node counts as dead, renewed every second; at least 2 x `redis.request_timeout`.'
    )
  }
} as const
