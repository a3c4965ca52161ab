import type { Certificates } from '../certificates.ts'

export type KafkaProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

/** A listener that every broker has. */
export interface KafkaListener {
  /** Name by which `addresses` finds it; letters only. */
  readonly name: string
  readonly protocol: KafkaProtocol
  /** A client must show a certificate of the authority. */
  readonly clientCertificates?: boolean
  /** Ports that the brokers tell their clients instead of their own, one for each: those of a proxy in between. */
  readonly advertisedPorts?: readonly number[]
}

export interface KafkaUser {
  readonly name: string
  readonly password: string
}

/** Ports of one broker: its part in the controllers' quorum, and one for each listener in their order. */
export interface BrokerPorts {
  readonly controller: number
  readonly listeners: readonly number[]
}

export interface BrokerSettings {
  readonly bindAddress: string
  readonly listeners: readonly KafkaListener[]
  readonly ports: readonly BrokerPorts[]
  readonly users: readonly KafkaUser[]
  readonly certificates: Certificates | undefined
  /** Clients other than those of the first listener may do what an ACL allows, and nothing else. */
  readonly acls: boolean
  readonly properties: Readonly<Record<string, string>>
}

const jaas = 'org.apache.kafka.common.security'

/** `server.properties` of one node that is broker and controller. */
export function brokerProperties(index: number, dataFolder: string, settings: BrokerSettings): string {
  const { bindAddress, listeners, ports, certificates } = settings
  const own = ports[index]
  if (!own) throw new Error(`no ports for broker ${index}`)
  const name = (listener: KafkaListener) => listener.name.toUpperCase()
  const eachListener = (of: (listener: KafkaListener, position: number) => string) => listeners.map(of).join(',')
  const advertisedPort = (listener: KafkaListener, position: number) =>
    listener.advertisedPorts?.[index] ?? own.listeners[position]
  const properties: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': index + 1,
    'log.dirs': dataFolder,
    'controller.quorum.voters': ports.map(({ controller }, at) => `${at + 1}@127.0.0.1:${controller}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': listeners[0] ? name(listeners[0]) : '',
    listeners: `CONTROLLER://${bindAddress}:${own.controller},${eachListener(
      (listener, position) => `${name(listener)}://${bindAddress}:${own.listeners[position]}`
    )}`,
    'advertised.listeners': eachListener(
      (listener, position) => `${name(listener)}://127.0.0.1:${advertisedPort(listener, position)}`
    ),
    'listener.security.protocol.map': `CONTROLLER:PLAINTEXT,${eachListener((listener) => `${name(listener)}:${listener.protocol}`)}`,
    ...replication(ports.length),
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': 0,
    // The default of 128 MiB does not fit into a heap of that size, and the broker would die at its start.
    'log.cleaner.dedupe.buffer.size': 4 * 1024 * 1024
  }
  for (const listener of listeners) Object.assign(properties, security(listener, name(listener), settings))
  if (certificates) Object.assign(properties, keyStores(certificates))
  if (settings.acls) {
    properties['authorizer.class.name'] = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer'
    properties['super.users'] = 'User:ANONYMOUS'
  }
  const lines = Object.entries({ ...properties, ...settings.properties }).map(([key, value]) => `${key}=${value}`)
  return `${lines.join('\n')}\n`
}

/** What is copied how often, for topics and for Kafka's own, which are kept small. */
function replication(brokers: number): Record<string, number> {
  const inSync = brokers > 1 ? 2 : 1
  return {
    'default.replication.factor': brokers,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': brokers,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': brokers,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': brokers,
    'share.coordinator.state.topic.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': 4
  }
}

function security(listener: KafkaListener, name: string, { users }: BrokerSettings): Record<string, string> {
  const prefix = `listener.name.${name.toLowerCase()}`
  const properties: Record<string, string> = {}
  if (listener.clientCertificates) properties[`${prefix}.ssl.client.auth`] = 'required'
  if (listener.protocol.startsWith('SASL')) {
    const plainUsers = users.map((user) => `user_${user.name}="${user.password}"`).join(' ')
    properties[`${prefix}.sasl.enabled.mechanisms`] = 'PLAIN,SCRAM-SHA-512'
    properties[`${prefix}.plain.sasl.jaas.config`] = `${jaas}.plain.PlainLoginModule required ${plainUsers};`
    properties[`${prefix}.scram-sha-512.sasl.jaas.config`] = `${jaas}.scram.ScramLoginModule required;`
  }
  return properties
}

function keyStores(certificates: Certificates): Record<string, string> {
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': certificates.serverKeyStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificates.ca
  }
}
