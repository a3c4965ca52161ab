import { rmSync } from 'node:fs'
import { GatewayProcess } from '../../test/support/gateway-process.ts'
import { type Kafka, startKafka } from '../services/kafka/kafka.ts'
import { type Redis, startRedis } from '../services/redis.ts'

export interface BenchClusterOptions {
  /** Flags of each gateway, beside those that all have. */
  readonly gateways: readonly Readonly<Record<string, string>>[]
  readonly brokers?: 1 | 3
  readonly topics: Readonly<Record<string, { readonly partitions: number }>>
  readonly progress: (line: string) => void
}

// With less the JVM does not compile with all its effort, and the figures would be those of a slow broker.
const brokerHeapMiB = 512

/** Brokers, Redis and gateways for figures: nothing stands between them, and all is gone at the end, also after Ctrl-C. */
export class BenchCluster {
  readonly redis: Redis
  readonly kafka: Kafka
  readonly gateways: readonly GatewayProcess[]
  /** The services end with this process in any case. */
  readonly #onExit = () => {
    for (const gateway of this.gateways) {
      gateway.signal('SIGKILL')
      rmSync(gateway.dataDir, { recursive: true, force: true, maxRetries: 5 })
    }
  }

  private constructor(redis: Redis, kafka: Kafka, gateways: readonly GatewayProcess[]) {
    this.redis = redis
    this.kafka = kafka
    this.gateways = gateways
    process.once('exit', this.#onExit)
  }

  static async start({ gateways, brokers = 1, topics, progress }: BenchClusterOptions): Promise<BenchCluster> {
    progress(`starting Redis, ${brokers === 1 ? 'a broker' : `${brokers} brokers`} and ${gateways.length} gateways`)
    const redis = await startRedis()
    let kafka: Kafka
    try {
      const own = { 'commands-down': { partitions: 6 }, 'commands-down-dead': { partitions: 1 } }
      kafka = await startKafka({ brokers, heapMiB: brokerHeapMiB, topics: { ...own, ...topics } })
    } catch (error) {
      await redis.close()
      throw error
    }
    const shared = { 'log.level': 'warn', 'redis.url': redis.url, 'kafka.brokers': kafka.addresses().join(',') }
    const cluster = new BenchCluster(
      redis,
      kafka,
      gateways.map((own, index) => {
        const flags = { 'node.id': `gw-${index}`, ...shared, ...own }
        return new GatewayProcess(Object.entries(flags).flatMap(([key, value]) => [`--${key}`, value]))
      })
    )
    try {
      await Promise.all(cluster.gateways.map((gateway) => gateway.start()))
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  get brokers(): readonly string[] {
    return this.kafka.addresses()
  }

  gateway(index: number): GatewayProcess {
    const gateway = this.gateways[index]
    if (!gateway) throw new Error(`there is no gateway ${index}`)
    return gateway
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.remove()))
    process.off('exit', this.#onExit)
    await Promise.all([this.redis.close(), this.kafka.close()])
  }
}
