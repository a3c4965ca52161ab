import {
  Admin,
  ConfigResourceTypes,
  type Connection,
  createTopicsV7,
  metadataV8,
  metadataV9,
  metadataV12
} from '@platformatic/kafka'
import {
  clientOptions,
  hostAndPort,
  isAddress,
  type KafkaConnection,
  letGo,
  sendsServerName
} from './connection-options.ts'
import { explain, type Fault, misconfigured, missingTopic, saysBroker } from './faults.ts'

/** What is known of a topic. Members that the user may not ask for are absent. */
export interface TopicFacts {
  readonly name: string
  readonly partitions: number
  /** The smallest over its partitions. */
  readonly replicationFactor: number
  readonly minInsyncReplicas?: number
  readonly retentionMs?: number
  /** How long records go into one segment, which is deleted as a whole. */
  readonly segmentMs?: number
  readonly recordBytesMax?: number
  /** `delete`, `compact`, or both: `cleanup.policy`. */
  readonly cleanupPolicy?: string
  readonly mayRead: boolean
  readonly mayWrite: boolean
}

export interface ClusterFacts {
  readonly clusterId: string
  readonly brokers: readonly { readonly id: number; readonly address: string }[]
  /** Absent: the topic does not exist, or is denied. */
  readonly topics: ReadonlyMap<string, TopicFacts>
  /** Topics that this user may not even know of. */
  readonly denied: ReadonlySet<string>
}

export interface CreateTopicSettings {
  readonly partitions: number
  readonly replicationFactor: number
  /** Absent: as the brokers have it by default, as with all that follow. */
  readonly retentionMs?: number
  readonly segmentMs?: number
  /** `max.message.bytes`. */
  readonly recordBytesMax?: number
}

/** Work with an admin client that gives up after one try: the caller decides about more. */
export async function withAdmin<T>(connection: KafkaConnection, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ ...clientOptions(connection), retries: 0 })
  try {
    return await work(admin)
  } finally {
    letGo(admin)
  }
}

/** TOPIC_AUTHORIZATION_FAILED in the answer for one topic of several. */
const deniedCode = 29
const validationMs = 4_000
const operationBit = { read: 1 << 3, write: 1 << 4 } as const

/** Ask one reachable broker for the cluster and these topics. Rejects when none is reachable or lets the user in. */
export async function describeTopics(
  admin: Admin,
  connection: KafkaConnection,
  names: readonly string[]
): Promise<ClusterFacts> {
  const socket = await firstReachable(admin, connection)
  const answer = await askMetadata(admin, socket, names)
  const topics = new Map<string, TopicFacts>()
  const denied = new Set<string>()
  for (const topic of answer.topics) {
    if (typeof topic.name === 'string' && topic.errorCode === deniedCode) denied.add(topic.name)
    if (typeof topic.name !== 'string' || topic.partitions.length === 0) continue
    topics.set(topic.name, {
      name: topic.name,
      partitions: topic.partitions.length,
      replicationFactor: Math.min(...topic.partitions.map((partition) => partition.replicaNodes.length)),
      ...(await settingsOf(admin, topic.name)),
      mayRead: (topic.topicAuthorizedOperations & operationBit.read) !== 0,
      mayWrite: (topic.topicAuthorizedOperations & operationBit.write) !== 0
    })
  }
  const brokers = answer.brokers.map(({ nodeId, host, port }) => ({ id: nodeId, address: `${host}:${port}` }))
  return { clusterId: answer.clusterId ?? '', brokers, topics, denied }
}

function firstReachable(admin: Admin, connection: KafkaConnection): Promise<Connection> {
  const brokers = connection.brokers.map(hostAndPort)
  return admin.connections.getFirstAvailable(brokers)
}

/** The library's own metadata call does not ask for the rights of the user, and fails whole when one topic is missing. */
async function askMetadata(admin: Admin, socket: Connection, names: readonly string[]) {
  const apis = await admin.listApis()
  const newest = apis.find((api) => api.name === 'Metadata')?.maxVersion ?? 8
  const api = newest >= 12 ? metadataV12.api : newest >= 9 ? metadataV9.api : metadataV8.api
  try {
    return await api.async(socket, [...names], false, true)
  } catch (error) {
    const response = (error as { response?: Awaited<ReturnType<typeof metadataV12.api.async>> }).response
    // The answer is whole, only the topics that are missing or denied carry an error.
    const ofTopics = ['UNKNOWN_TOPIC_OR_PARTITION', 'TOPIC_AUTHORIZATION_FAILED']
    if (response && ofTopics.some((id) => saysBroker(error, id))) return response
    throw error
  }
}

export async function settingsOf(admin: Admin, topic: string): Promise<Partial<TopicFacts>> {
  try {
    const [described] = await admin.describeConfigs({
      resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }]
    })
    // What the brokers do not tell may be null, which as a number would be 0.
    const told = (name: string) => described?.configs.find((config) => config.name === name)?.value ?? undefined
    const known = (member: keyof TopicFacts, name: string): Partial<TopicFacts> => {
      const value = Number(told(name))
      return Number.isFinite(value) ? { [member]: value } : {}
    }
    const cleanupPolicy = told('cleanup.policy')
    return {
      ...known('minInsyncReplicas', 'min.insync.replicas'),
      ...known('retentionMs', 'retention.ms'),
      ...known('segmentMs', 'segment.ms'),
      ...known('recordBytesMax', 'max.message.bytes'),
      ...(cleanupPolicy && { cleanupPolicy })
    }
  } catch (error) {
    // Describing settings is a right of its own. Without it, the defaults are taken.
    if (saysBroker(error, 'TOPIC_AUTHORIZATION_FAILED') || saysBroker(error, 'CLUSTER_AUTHORIZATION_FAILED')) return {}
    throw error
  }
}

export async function createTopic(admin: Admin, topic: string, settings: CreateTopicSettings): Promise<void> {
  try {
    const { partitions, replicationFactor: replicas } = settings
    const given = (name: string, value: number | undefined) =>
      value === undefined ? [] : [{ name, value: String(value) }]
    const configs = [
      // The brokers' own default is 1: what they acknowledge could lie on one of them alone.
      ...(replicas > 2 ? given('min.insync.replicas', 2) : []),
      ...given('retention.ms', settings.retentionMs),
      ...given('segment.ms', settings.segmentMs),
      ...given('max.message.bytes', settings.recordBytesMax)
    ]
    await admin.createTopics({ topics: [topic], partitions, replicas, configs })
  } catch (error) {
    if (!saysBroker(error, 'TOPIC_ALREADY_EXISTS')) throw error
  }
}

/** Why this user cannot create the topic, without creating it; undefined when it can, or when brokers do not tell. */
export async function problemOfCreation(
  admin: Admin,
  connection: KafkaConnection,
  topic: string,
  settings: CreateTopicSettings
): Promise<string | undefined> {
  const { partitions: numPartitions, replicationFactor } = settings
  const apis = await admin.listApis()
  if ((apis.find((api) => api.name === 'CreateTopics')?.maxVersion ?? 0) < 7) return undefined
  const socket = await firstReachable(admin, connection)
  const asked = { name: topic, numPartitions, replicationFactor, assignments: [], configs: [] }
  try {
    await createTopicsV7.api.async(socket, [asked], validationMs, true)
    return undefined
  } catch (error) {
    // Before KRaft only the controller knows.
    if (saysBroker(error, 'NOT_CONTROLLER') || saysBroker(error, 'TOPIC_ALREADY_EXISTS')) return undefined
    return (explainCreation(error, connection, topic, settings) ?? explain(error, connection, topic)).detail
  }
}

/** The topic as it is, created first when it is missing and may be; otherwise the fault in plain words. */
export async function findOrCreateTopic(
  connection: KafkaConnection,
  topic: string,
  need: 'read' | 'write',
  create: CreateTopicSettings | undefined
): Promise<{ readonly facts: TopicFacts } | { readonly fault: Fault; readonly error?: unknown }> {
  try {
    return await withAdmin(connection, async (admin) => {
      const user = connection.sasl?.username ?? 'ANONYMOUS'
      const cluster = await describeTopics(admin, connection, [topic])
      let facts = cluster.topics.get(topic)
      const addresses = cluster.brokers.map(({ address }) => address).filter(isAddress)
      if (sendsServerName(connection) && addresses.length > 0) return { fault: noServerName(addresses) }
      if (cluster.denied.has(topic)) return { fault: mayNot(user, need, topic) }
      if (!facts && create) {
        await createTopic(admin, topic, create)
        facts = (await describeTopics(admin, connection, [topic])).topics.get(topic)
        // Created, but not yet known to the broker that was asked: the next try finds it.
        if (!facts) return { fault: inMaking(topic) }
      }
      if (!facts) return { fault: misconfigured('topic_missing', missingTopic(topic)) }
      if (need === 'write' ? !facts.mayWrite : !facts.mayRead) return { fault: mayNot(user, need, topic) }
      return { facts }
    })
  } catch (error) {
    return { fault: explainCreation(error, connection, topic, create) ?? explain(error, connection, topic), error }
  }
}

/** The library would hand the address to Node as a TLS server name, which throws outside of every promise. */
function noServerName(addresses: readonly string[]): Fault {
  const detail = `Kafka advertises addresses (${addresses.join(', ')}) to clients with TLS. Put addresses into kafka.brokers as well, or let it advertise names.`
  return misconfigured('server_name', detail)
}

function inMaking(topic: string): Fault {
  return { kind: 'down', cause: 'topic_in_making', detail: `The topic "${topic}" is being created.` }
}

function mayNot(user: string, need: 'read' | 'write', topic: string): Fault {
  const rights = `grant it ${need.toUpperCase()} and DESCRIBE there`
  return misconfigured('topic_right', `The user "${user}" may not ${need} the topic "${topic}"; ${rights}.`)
}

function explainCreation(
  error: unknown,
  connection: KafkaConnection,
  topic: string,
  create: CreateTopicSettings | undefined
): Fault | undefined {
  if (!create) return undefined
  if (saysBroker(error, 'INVALID_REPLICATION_FACTOR'))
    return misconfigured(
      'topic_replication',
      `The topic "${topic}" cannot be created with ${create.replicationFactor} replicas: there are fewer brokers. Start more, or lower kafka.replication_factor.`
    )
  if (saysBroker(error, 'TOPIC_AUTHORIZATION_FAILED') || saysBroker(error, 'CLUSTER_AUTHORIZATION_FAILED'))
    return misconfigured(
      'topic_creation_right',
      `The topic "${topic}" does not exist, and the user "${connection.sasl?.username ?? 'ANONYMOUS'}" may not create it; grant it CREATE, or create the topic.`
    )
  return undefined
}
