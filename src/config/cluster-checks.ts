import { formatDuration } from '../lib/duration.ts'
import type { Check } from './checks.ts'
import { type Config, type ConfigKey, configKeys } from './schema.ts'

function valueAt(config: Config, { member: [group, name] }: ConfigKey): unknown {
  return (config[group as keyof Config] as unknown as Readonly<Record<string, unknown>>)[name]
}

/** Keys that do nothing while another one is as it is. Their defaults may be written down: they claim nothing. */
function withoutEffect(
  key: string,
  dependent: (key: ConfigKey) => boolean,
  because: (config: Config) => string | undefined,
  remedy: string
): Check {
  const keys = configKeys.filter((other) => other.fileOf === undefined && other.name !== key && dependent(other))
  return {
    key,
    with: keys.map(({ name }) => name),
    fault: (config) => {
      const why = because(config)
      if (why === undefined) return undefined
      const changed = keys.filter((other) => {
        const preset: unknown = other.setting.value.safeParse(other.setting.default).data
        return valueAt(config, other) !== preset
      })
      if (changed.length === 0) return undefined
      const names = changed.map(({ name }) => name).join(', ')
      return `${why}, so ${names} would have no effect; ${remedy}, or remove ${changed.length === 1 ? 'it' : 'them'}`
    }
  }
}

/** The rules between the keys of Kafka and Redis. */
export const clusterChecks: readonly Check[] = [
  {
    key: 'kafka.brokers',
    with: [],
    fault: ({ kafka: { brokers } }) => {
      const wrong = brokers.find((broker) => !isPort(broker.slice(broker.lastIndexOf(':') + 1)))
      return wrong === undefined ? undefined : `${wrong}: the port has to be a number from 1 to 65535`
    }
  },
  {
    key: 'kafka.sasl_mechanism',
    with: ['kafka.sasl_username', 'kafka.sasl_password'],
    fault: ({ kafka: { saslMechanism, saslUsername, saslPassword } }) => {
      if (saslMechanism === 'none')
        return saslUsername === undefined && saslPassword === undefined
          ? undefined
          : 'none, so kafka.sasl_username and kafka.sasl_password would have no effect; set it to scram-sha-512, scram-sha-256 or plain, or remove those'
      if (saslUsername === undefined)
        return `${saslMechanism} needs kafka.sasl_username; set it, or kafka.sasl_mechanism to none`
      if (saslPassword === undefined)
        return `${saslMechanism} needs kafka.sasl_password; set it (or kafka.sasl_password_file), or kafka.sasl_mechanism to none`
      return undefined
    }
  },
  {
    key: 'kafka.tls',
    with: ['kafka.tls_ca_file', 'kafka.tls_cert_file', 'kafka.tls_key_file'],
    fault: ({ kafka: { tls, tlsCaFile, tlsCertFile, tlsKeyFile } }) =>
      tls || (tlsCaFile ?? tlsCertFile ?? tlsKeyFile) === undefined
        ? undefined
        : 'false, so kafka.tls_ca_file, kafka.tls_cert_file and kafka.tls_key_file would have no effect; set kafka.tls to true, or remove them'
  },
  {
    key: 'kafka.tls_cert_file',
    with: ['kafka.tls_key_file'],
    fault: ({ kafka: { tlsCertFile, tlsKeyFile } }) =>
      (tlsCertFile === undefined) === (tlsKeyFile === undefined)
        ? undefined
        : 'a certificate is of no use without its key; set both kafka.tls_cert_file and kafka.tls_key_file, or neither'
  },
  withoutEffect(
    'redis.url',
    ({ group, name }) => group === 'redis' || name === 'limits.adoptions_per_second_max',
    ({ redis }) => (redis.url === undefined ? 'not set' : undefined),
    'set it to where Redis listens'
  ),
  {
    key: 'redis.url',
    with: [],
    fault: ({ redis: { url } }) =>
      url === undefined || url.split(',').every((one) => URL.canParse(one))
        ? undefined
        : 'the port has to be a number up to 65535; a password with characters such as # / ? @ goes into redis.password (or redis.password_file)'
  },
  {
    key: 'redis.url',
    with: [],
    fault: ({ redis: { url = '', cluster } }) => {
      const [first = '', ...others] = url.split(',')
      if (cluster || others.length === 0) return undefined
      return `names ${others.length + 1} servers, of which a gateway without redis.cluster uses the first alone; set redis.cluster to true if they are nodes of one Redis Cluster, or name ${hostOf(first)} alone`
    }
  },
  {
    // A node whose renewal gets no answer has to try again while its lease still runs.
    key: 'redis.lease_ttl',
    with: ['redis.request_timeout'],
    fault: ({ redis: { leaseTtlMs, requestTimeoutMs } }) => {
      const leastMs = 2 * requestTimeoutMs
      if (leaseTtlMs >= leastMs) return undefined
      return `${formatDuration(leaseTtlMs)} is less than 2 x redis.request_timeout (${formatDuration(requestTimeoutMs)}), so one request that is not answered could cost a healthy node its lease; set redis.lease_ttl to ${formatDuration(leastMs)} or more, or redis.request_timeout to ${formatDuration(Math.floor(leaseTtlMs / 2))} or less`
    }
  },
  {
    key: 'redis.username',
    with: ['redis.password'],
    fault: ({ redis: { username, password } }) =>
      username === undefined || password !== undefined
        ? undefined
        : 'needs redis.password; set it (or redis.password_file), or remove redis.username'
  },
  {
    key: 'redis.tls_ca_file',
    with: ['redis.url'],
    fault: ({ redis: { url, tlsCaFile } }) =>
      tlsCaFile === undefined || url === undefined || url.startsWith('rediss:')
        ? undefined
        : 'would have no effect, since redis.url does not speak TLS; write it with rediss://, or remove redis.tls_ca_file'
  },
  {
    // A topic that is read and written by the same hands would feed itself.
    key: 'kafka.events_topic',
    with: ['kafka.commands_topic', 'kafka.dead_letter_topic'],
    fault: ({ kafka: { eventsTopic, commandsTopic, deadLetterTopic } }) =>
      new Set([eventsTopic, commandsTopic, deadLetterTopic]).size === 3
        ? undefined
        : 'kafka.events_topic, kafka.commands_topic and kafka.dead_letter_topic have to be three topics; give each a name of its own'
  },
  // The last: what is wrong among the other keys of Kafka is the same whether brokers are set or not. That an answer waits for
  // the own disk (`delivery.ack` local) is true without brokers too.
  withoutEffect(
    'kafka.brokers',
    ({ group, name }) => group === 'kafka' || name === 'delivery.broker_patience',
    ({ kafka }) => (kafka.brokers.length === 0 ? 'not set' : undefined),
    'set it to where the brokers listen'
  )
]

/** Without the user and the password that a URL may hold. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}

function isPort(text: string): boolean {
  const port = Number(text)
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}
