import { Admin, FindCoordinatorKeyTypes, metadataV8 } from '@platformatic/kafka'
import { clientOptions, hostAndPort, type KafkaConnection, letGo } from './connection-options.ts'
import { explain, saysBroker } from './faults.ts'
import { type CreateTopicSettings, describeTopics, problemOfCreation, type TopicFacts, withAdmin } from './topic.ts'

export interface BrokerFacts {
  readonly address: string
  /** From the setting, or only named by the cluster itself. */
  readonly configured: boolean
  readonly reachable: boolean
  /** Plain words, when it is not. */
  readonly problem?: string
}

/** What the doctor judges. Kafka gives no time of its own to compare clocks with. */
export interface KafkaFacts {
  readonly brokers: readonly BrokerFacts[]
  readonly clusterId?: string
  /** By name; a topic that is missing or denied is absent. */
  readonly topics: ReadonlyMap<string, TopicFacts>
  /** Topics that this user may not even know of. */
  readonly denied: ReadonlySet<string>
  /** Topics that are missing and that this user could not create, with the reason; empty when none are to be created. */
  readonly creationProblems: ReadonlyMap<string, string>
  /** Of the group: absent when this user may use it. */
  readonly groupProblem?: string
  /** No broker let us in: nothing else is known. */
  readonly problem?: string
}

export interface InspectKafkaOptions {
  readonly connection: KafkaConnection
  readonly topics: readonly string[]
  readonly group: string
  /** Present: a gateway creates topics that are missing. */
  readonly createTopics?: CreateTopicSettings
}

/** Looks at everything once, within seconds; never rejects. */
export async function inspectKafka(options: InspectKafkaOptions): Promise<KafkaFacts> {
  const { connection, topics, group, createTopics } = options
  const named = topics[0] ?? ''
  try {
    return await withAdmin(connection, async (admin) => {
      const cluster = await describeTopics(admin, connection, topics)
      const creationProblems = new Map<string, string>()
      for (const name of topics) {
        if (!createTopics || cluster.topics.has(name) || cluster.denied.has(name)) continue
        const problem = await problemOfCreation(admin, connection, name, createTopics)
        if (problem !== undefined) creationProblems.set(name, problem)
      }
      const groupProblem = await problemOfGroup(admin, connection, group, named)
      return {
        brokers: await reach(
          connection,
          cluster.brokers.map(({ address }) => address)
        ),
        clusterId: cluster.clusterId,
        topics: cluster.topics,
        denied: cluster.denied,
        creationProblems,
        ...(groupProblem !== undefined && { groupProblem })
      }
    })
  } catch (error) {
    const problem = explain(error, connection, named).detail
    return {
      brokers: await reach(connection, []),
      topics: new Map(),
      denied: new Set(),
      creationProblems: new Map(),
      problem
    }
  }
}

/** Every broker that is configured or that the cluster names, by a connection and a request of its own. */
async function reach(connection: KafkaConnection, named: readonly string[]): Promise<BrokerFacts[]> {
  const addresses = [...new Set([...connection.brokers, ...named])]
  return await Promise.all(
    addresses.map(async (address) => {
      const configured = connection.brokers.includes(address)
      const admin = new Admin({ ...clientOptions({ ...connection, brokers: [address] }), retries: 0 })
      try {
        const socket = await admin.connections.get(hostAndPort(address))
        await metadataV8.api.async(socket, [], false, false)
        return { address, configured, reachable: true }
      } catch (error) {
        const { detail } = explain(error, { ...connection, brokers: [address] }, '')
        return { address, configured, reachable: false, problem: detail }
      } finally {
        letGo(admin)
      }
    })
  )
}

async function problemOfGroup(
  admin: Admin,
  connection: KafkaConnection,
  group: string,
  topic: string
): Promise<string | undefined> {
  try {
    await admin.findCoordinator({ keyType: FindCoordinatorKeyTypes.GROUP, keys: [group] })
    await admin.listConsumerGroupOffsets({ groups: [group] })
    return undefined
  } catch (error) {
    // A new cluster makes the topic of the groups when the first one is asked for.
    if (saysBroker(error, 'COORDINATOR_NOT_AVAILABLE')) return undefined
    return explain(error, connection, topic).detail
  }
}
