import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Certificates, makeCertificates } from '../certificates.ts'
import { freePorts } from '../free-ports.ts'
import { type Host, openHost } from '../host.ts'
import { ProcessGroup } from '../process-group.ts'
import { runCommand } from '../run-command.ts'
import { type NodeSpec, Service } from '../service.ts'
import { type BrokerSettings, brokerProperties, type KafkaListener, type KafkaUser } from './broker-properties.ts'
import { allJarsOf, java, kafkaJars, kafkaVersion } from './jars.ts'

const image = `apache/kafka:${kafkaVersion}`
const imageJars = '/opt/kafka/libs'
const startDeadlineMs = 60_000
const toolTimeoutMs = 60_000
const smallHeapMiB = 128
// Without the second compiler a broker starts in little more than half the time, for a lower throughput.
const smallJvm = [`-Xmx${smallHeapMiB}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
const logSettings = fileURLToPath(new URL('./log4j2.properties', import.meta.url))
// Any 16 bytes in base64 without padding: every run has its own cluster in its own folder.
const clusterId = 'Y3BnLWZvci10ZXN0cy0wMQ'

export interface KafkaTopic {
  readonly partitions: number
  /** Default: the number of brokers. */
  readonly replication?: number
  readonly config?: Readonly<Record<string, string>>
}

export interface KafkaOptions {
  readonly brokers?: 1 | 3
  /** More listeners, beside the one named `plain` that always is there and has neither SASL nor TLS. */
  readonly listeners?: readonly KafkaListener[]
  /** Users of the SASL listeners, for PLAIN and SCRAM-SHA-512 both. */
  readonly users?: readonly KafkaUser[]
  /** Users (not those of the listener `plain`) may do only what `AclCommand` has allowed. */
  readonly acls?: boolean
  readonly topics?: Readonly<Record<string, KafkaTopic>>
  /** Anything from server.properties, for every broker. */
  readonly properties?: Readonly<Record<string, string>>
  /** Java heap of each broker. 128 is enough for tests; with more, for figures, the JVM also compiles with all its effort. */
  readonly heapMiB?: number
  readonly keepFolder?: boolean
}

interface Installation {
  readonly host: Host
  readonly classPath: string
  readonly settings: BrokerSettings
}

/** Kafka brokers in KRaft mode, each of them a controller too. */
export class Kafka extends Service {
  /** Authority and client certificate, when a listener has TLS. */
  readonly certificates: Certificates | undefined
  readonly #installation: Installation

  constructor(group: ProcessGroup, nodes: readonly NodeSpec[], installation: Installation) {
    super(group, installation.host, nodes)
    this.certificates = installation.settings.certificates
    this.#installation = installation
  }

  /** `host:port` of every broker, as `kafka.brokers` wants them. */
  addresses(listener = 'plain'): string[] {
    const { listeners, ports } = this.#installation.settings
    const position = listeners.findIndex(({ name }) => name === listener)
    if (position < 0)
      throw new Error(`no listener ${listener}; there are ${listeners.map(({ name }) => name).join(', ')}`)
    const advertised = listeners[position]?.advertisedPorts
    return ports.map((own, index) => `127.0.0.1:${advertised?.[index] ?? own.listeners[position]}`)
  }

  /** Port of every broker's own listener, which a proxy in front of it connects to. */
  ownPorts(listener = 'plain'): number[] {
    const { listeners, ports } = this.#installation.settings
    const position = listeners.findIndex(({ name }) => name === listener)
    return ports.map((own) => own.listeners[position] ?? 0)
  }

  /**
   * Runs one of Kafka's tools: `tool('org.apache.kafka.tools.TopicCommand', '--list')`. About a second each. It talks to the
   * brokers that run, by the listener `plain`, unless `--bootstrap-server` is among the arguments.
   */
  async tool(className: string, ...args: readonly string[]): Promise<string> {
    const { host, classPath } = this.#installation
    const running = this.addresses().filter((_, index) => this.isRunning(index))
    const where = args.includes('--bootstrap-server') ? [] : ['--bootstrap-server', running.join(',')]
    const spec = host.launch([...smallJvm, '-cp', classPath, className, ...where, ...args])
    return await runCommand(spec.command, spec.args, { env: spec.env, timeoutMs: toolTimeoutMs })
  }

  async createTopic(name: string, { partitions, replication, config = {} }: KafkaTopic): Promise<void> {
    const copies = replication ?? this.nodeCount
    const configs = Object.entries(config).flatMap(([key, value]) => ['--config', `${key}=${value}`])
    const counts = ['--partitions', String(partitions), '--replication-factor', String(copies)]
    await this.#topics('--create', '--topic', name, ...counts, ...configs)
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#topics('--delete', '--topic', name)
  }

  /** Names of all topics, Kafka's own left out. */
  async topics(): Promise<string[]> {
    const text = await this.#topics('--list', '--exclude-internal')
    return text.split('\n').filter((line) => line !== '')
  }

  /** For each partition the index of the broker that leads it, or undefined while nobody does. */
  async leaders(topic: string): Promise<(number | undefined)[]> {
    const text = await this.#topics('--describe', '--topic', topic)
    return [...text.matchAll(/Partition: \d+\s+Leader: (\S+)/g)].map(([, id]) =>
      Number(id) > 0 ? Number(id) - 1 : undefined
    )
  }

  /** Creates a SCRAM user, or gives it another password. */
  async setUser({ name, password }: KafkaUser): Promise<void> {
    await this.#userConfig(name, '--add-config', `SCRAM-SHA-512=[password=${password}]`)
  }

  /** Takes a SCRAM user's right to log in; connections that stand go on until they authenticate again. */
  async removeUser(name: string): Promise<void> {
    await this.#userConfig(name, '--delete-config', 'SCRAM-SHA-512')
  }

  #topics(...args: readonly string[]): Promise<string> {
    return this.tool('org.apache.kafka.tools.TopicCommand', ...args)
  }

  #userConfig(name: string, ...change: readonly string[]): Promise<string> {
    return this.tool('kafka.admin.ConfigCommand', '--alter', '--entity-type', 'users', '--entity-name', name, ...change)
  }
}

/** Starts one broker or three, and creates the topics. */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const group = await ProcessGroup.open({ keepFolder: options.keepFolder ?? false })
  try {
    const installation = await install(group, options)
    const nodes = installation.settings.ports.map((_, index) =>
      brokerNode(group, installation, index, options.heapMiB ?? smallHeapMiB)
    )
    const kafka = new Kafka(group, nodes, installation)
    await kafka.startAll()
    for (const [name, topic] of Object.entries(options.topics ?? {})) await kafka.createTopic(name, topic)
    return kafka
  } catch (error) {
    await group.close()
    throw error
  }
}

async function install(group: ProcessGroup, options: KafkaOptions): Promise<Installation> {
  const listeners: KafkaListener[] = [{ name: 'plain', protocol: 'PLAINTEXT' }, ...(options.listeners ?? [])]
  const brokers = options.brokers ?? 1
  const perBroker = listeners.length + 1
  const all = await freePorts(brokers * perBroker)
  const host = await openHost({ group, wanted: java, image, ports: all })
  const ports = Array.from({ length: brokers }, (_, index) => {
    const [controller = 0, ...rest] = all.slice(index * perBroker, (index + 1) * perBroker)
    return { controller, listeners: rest }
  })
  const withTls = listeners.some(({ protocol }) => protocol.endsWith('SSL'))
  const settings: BrokerSettings = {
    bindAddress: host.bindAddress,
    listeners,
    ports,
    users: options.users ?? [],
    certificates: withTls ? await makeCertificates(group.folder) : undefined,
    acls: options.acls ?? false,
    properties: options.properties ?? {}
  }
  return { host, classPath: allJarsOf(host.docker ? imageJars : await kafkaJars()), settings }
}

function brokerNode(group: ProcessGroup, installation: Installation, index: number, heapMiB: number): NodeSpec {
  const { classPath, settings } = installation
  const name = `kafka-${index}`
  const dataFolder = join(group.folder, name)
  const propertiesFile = join(group.folder, `${name}.properties`)
  writeFileSync(propertiesFile, brokerProperties(index, dataFolder, settings))
  // A container sees the group's folder alone.
  const logFile = join(group.folder, 'log4j2.properties')
  copyFileSync(logSettings, logFile)
  const jvm = heapMiB > smallHeapMiB ? [`-Xmx${heapMiB}m`] : smallJvm
  const args = [...jvm, `-Dlog4j2.configurationFile=${logFile}`]
  return {
    name,
    args: [...args, '-cp', classPath, 'kafka.Kafka', propertiesFile],
    dataFolder,
    prepare: () => format(propertiesFile, installation),
    readyLine: 'Kafka Server started',
    deadlineMs: startDeadlineMs
  }
}

async function format(propertiesFile: string, { host, classPath, settings }: Installation): Promise<void> {
  const users = settings.users.flatMap(({ name, password }) => [
    '--add-scram',
    `SCRAM-SHA-512=[name=${name},password=${password}]`
  ])
  const args = ['format', '-t', clusterId, '-c', propertiesFile, '--ignore-formatted', ...users]
  const spec = host.launch([...smallJvm, '-cp', classPath, 'kafka.tools.StorageTool', ...args])
  await runCommand(spec.command, spec.args, { env: spec.env, timeoutMs: toolTimeoutMs })
}
