/** Starts the services that the gateway's clustered form needs, for a person at a terminal: see `usage`. */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { startKafka } from './kafka/kafka.ts'
import { startRedis } from './redis.ts'
import { startRedisCluster } from './redis-cluster.ts'
import type { Service } from './service.ts'

const usage = `Starts real services on free ports of 127.0.0.1, in temporary folders, until Ctrl-C.

  node scripts/services/main.ts start SERVICE... [options]

SERVICE
  redis           one Redis server
  redis-cluster   a Redis Cluster of three masters
  kafka           one Kafka broker
  kafka-cluster   three Kafka brokers, replication 3, min.insync.replicas 2

Options
  --topic NAME:PARTITIONS   create this topic (may be given several times)
  --keep                    leave data and logs in their folders after the end
  --help                    this text

Prints how to reach them as environment variables, for example: CPG_REDIS_URL=redis://127.0.0.1:20001
What is not on the PATH comes from Debian's packages (redis-server, openjdk-17-jre-headless, maven, openssl) and, for Kafka,
through Maven. Where a Docker engine runs, containers are used; TEST_SERVICES=local or TEST_SERVICES=docker decides it.`

interface Started {
  readonly service: Service
  readonly variables: Readonly<Record<string, string>>
}

interface Wish {
  readonly keepFolder: boolean
  readonly topics: Readonly<Record<string, { readonly partitions: number }>>
}

const services = new Map<string, (wish: Wish) => Promise<Started>>(
  Object.entries({
    redis: async (wish: Wish) => {
      const service = await startRedis(wish)
      return { service, variables: { CPG_REDIS_URL: service.url } }
    },
    'redis-cluster': async (wish: Wish) => {
      const service = await startRedisCluster(wish)
      return { service, variables: { CPG_REDIS_URL: service.urls.join(','), CPG_REDIS_CLUSTER: 'true' } }
    },
    kafka: (wish: Wish) => kafka(1, wish),
    'kafka-cluster': (wish: Wish) => kafka(3, wish)
  })
)

async function kafka(brokers: 1 | 3, wish: Wish): Promise<Started> {
  const service = await startKafka({ brokers, ...wish })
  return { service, variables: { CPG_KAFKA_BROKERS: service.addresses().join(',') } }
}

function readArguments(): { readonly names: readonly string[]; readonly wish: Wish } | string {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        keep: { type: 'boolean', default: false },
        topic: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', short: 'h', default: false }
      }
    })
    if (values.help) return ''
    const [command, ...names] = positionals
    if (command !== 'start' || names.length === 0) return 'wanted: start SERVICE...'
    const unknown = names.find((name) => !services.has(name))
    if (unknown !== undefined) return `no such service: ${unknown}`
    const topics = values.topic.map((text) => /^([\w.-]+):([1-9]\d*)$/.exec(text))
    if (topics.includes(null)) return '--topic takes NAME:PARTITIONS'
    const entries = topics.map((match) => [match?.[1] ?? '', { partitions: Number(match?.[2]) }] as const)
    return { names, wish: { keepFolder: values.keep, topics: Object.fromEntries(entries) } }
  } catch (error) {
    return (error as Error).message
  }
}

async function run(names: readonly string[], wish: Wish): Promise<void> {
  const stop = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  const started: Service[] = []
  try {
    for (const name of new Set(names)) {
      const start = services.get(name)
      if (!start) continue
      const { service, variables } = await start(wish)
      started.push(service)
      for (const [variable, value] of Object.entries(variables)) console.log(`${variable}=${value}`)
      console.error(`${name} runs; data and logs: ${service.folder}`)
    }
    console.error('Ctrl-C stops everything.')
    await stop
  } finally {
    await Promise.all(started.map((service) => service.close()))
  }
}

const wanted = readArguments()
if (typeof wanted === 'string') {
  if (wanted !== '') console.error(`${wanted}\n`)
  console.log(usage)
  process.exitCode = wanted === '' ? 0 : 2
} else {
  try {
    await run(wanted.names, wanted.wish)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
}
