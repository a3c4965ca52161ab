import type { Check } from './checks.ts'

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
  {
    key: 'redis.url',
    with: ['redis.cluster', 'redis.username', 'redis.password', 'redis.tls_ca_file'],
    fault: ({ redis: { url, cluster, username, password, tlsCaFile } }) =>
      url !== undefined || (!cluster && (username ?? password ?? tlsCaFile) === undefined)
        ? undefined
        : 'not set, so the other keys of redis would have no effect; set it to where Redis listens, or remove them'
  },
  {
    key: 'redis.url',
    with: [],
    fault: ({ redis: { url } }) =>
      url === undefined || url.split(',').every((one) => URL.canParse(one))
        ? undefined
        : 'the port has to be a number up to 65535; a password with characters such as # / ? @ goes into redis.password (or redis.password_file)'
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
  }
]

function isPort(text: string): boolean {
  const port = Number(text)
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}
