import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Kafka, startKafka } from '../../scripts/services/kafka/kafka.ts'
import { type Redis, startRedis } from '../../scripts/services/redis.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { type CutKind, TcpProxy } from './tcp-proxy.ts'

export interface ClusterSettings {
  readonly leaseMs: number
  readonly patienceMs: number
  readonly logBytesMax: string
  readonly keep: boolean
}

export const eventsTopic = 'ocpp-events-up'
export const commandsTopic = 'commands-down'
export const commandAgeMaxMs = 60_000
const gatewayCount = 3
const brokerCount = 3

/** What the health of a gateway says. */
export interface Health {
  readonly ready: boolean
  readonly down: readonly string[]
  readonly backlog: number
  readonly isLogFull: boolean
}

/** One gateway, and the proxies that all its connections go through. */
export class ChaosGateway {
  readonly name: string
  readonly process: GatewayProcess
  readonly stations: TcpProxy
  readonly redis: TcpProxy
  readonly brokers: readonly TcpProxy[]
  /** Somebody who looks for a gateway finds this one. */
  isListed = false

  constructor(parts: Pick<ChaosGateway, 'name' | 'process' | 'stations' | 'redis' | 'brokers'>) {
    this.name = parts.name
    this.process = parts.process
    this.stations = parts.stations
    this.redis = parts.redis
    this.brokers = parts.brokers
  }

  get url(): string {
    return `ws://127.0.0.1:${this.stations.port}/ocpp`
  }

  async start(): Promise<void> {
    await this.process.start()
    this.isListed = true
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string> {
    this.isListed = false
    return await this.process.end(signal)
  }

  cutBrokers(kind: CutKind): void {
    for (const broker of this.brokers) broker.cut(kind)
  }

  mend(): void {
    for (const proxy of [this.stations, this.redis, ...this.brokers]) proxy.mend()
  }

  /** Undefined: it does not answer. */
  async health(): Promise<Health | undefined> {
    try {
      const init = { signal: AbortSignal.timeout(5_000) }
      const { status, body } = await this.process.get('/health/ready', init)
      const response = await fetch(`${this.process.api}/metrics`, init)
      const metrics = await response.text()
      const metric = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1])
      const { dependencies } = body as { dependencies: { name: string; state: string }[] }
      return {
        ready: status === 200,
        down: dependencies.filter(({ state }) => state !== 'up').map(({ name, state }) => `${name} ${state}`),
        backlog: metric('cpg_forward_backlog_events'),
        isLogFull: metric('cpg_log_full') === 1
      }
    } catch {
      return undefined
    }
  }
}

/** The listener that brokers copy from each other through. */
const between = 'between'

/** Three gateways, three brokers and one Redis, with a proxy in each connection of a gateway, and in those to a broker from the others. */
export class ChaosCluster {
  readonly redis: Redis
  readonly kafka: Kafka
  readonly gateways: readonly ChaosGateway[]
  /** By broker: what the other brokers fetch from it goes through here. */
  readonly toBroker: readonly TcpProxy[]
  readonly #keep: boolean
  /** The services end with this process in any case; a gateway is told here. */
  readonly #onExit = () => {
    for (const { process: gateway } of this.gateways) gateway.signal('SIGKILL')
  }

  private constructor(
    redis: Redis,
    kafka: Kafka,
    gateways: readonly ChaosGateway[],
    toBroker: readonly TcpProxy[],
    keep: boolean
  ) {
    this.toBroker = toBroker
    this.redis = redis
    this.kafka = kafka
    this.gateways = gateways
    this.#keep = keep
    process.once('exit', this.#onExit)
  }

  static async start(settings: ClusterSettings): Promise<ChaosCluster> {
    // The brokers tell each gateway the ports of its own proxies, so there is a listener for each gateway.
    const names = ['a', 'b', 'c'].slice(0, gatewayCount)
    let kafka: Kafka | undefined
    const proxiesOf = (listener: string) =>
      Promise.all(
        Array.from({ length: brokerCount }, (_, index) => TcpProxy.open(() => kafka?.ownPorts(listener)[index] ?? 0))
      )
    const proxies = await Promise.all(names.map(proxiesOf))
    const toBroker = await proxiesOf(between)
    const redis = await startRedis({ persistence: true, keepFolder: settings.keep })
    try {
      kafka = await startKafka({
        brokers: brokerCount,
        keepFolder: settings.keep,
        listeners: [...names, between].map((name, index) => ({
          name,
          protocol: 'PLAINTEXT',
          advertisedPorts: (proxies[index] ?? toBroker).map(({ port }) => port)
        })),
        properties: { 'inter.broker.listener.name': between.toUpperCase() },
        topics: {
          [eventsTopic]: { partitions: 6 },
          [commandsTopic]: { partitions: 6 },
          [`${commandsTopic}-dead`]: { partitions: 1 }
        }
      })
    } catch (error) {
      await Promise.all([redis.close(), ...[...proxies, toBroker].flat().map((proxy) => proxy.close())])
      throw error
    }
    const gateways = await Promise.all(
      names.map((name, index) => openGateway(`gw-${name}`, redis.port, proxies[index] ?? [], settings))
    )
    const cluster = new ChaosCluster(redis, kafka, gateways, toBroker, settings.keep)
    try {
      await Promise.all(gateways.map((gateway) => gateway.start()))
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  gateway(index: number): ChaosGateway {
    const gateway = this.gateways[index]
    if (!gateway) throw new Error(`there is no gateway ${index}`)
    return gateway
  }

  /** Any gateway that is listed as living, as a load balancer would pick it. */
  pick(): ChaosGateway {
    const listed = this.gateways.filter(({ isListed }) => isListed)
    return listed[Math.floor(Math.random() * listed.length)] ?? this.gateway(0)
  }

  /** Where everything is that was written. */
  folders(): readonly string[] {
    return [this.redis.folder, this.kafka.folder, ...this.gateways.map(({ process }) => process.dataDir)]
  }

  async close(): Promise<void> {
    for (const gateway of this.gateways) {
      if (this.#keep) {
        await gateway.end('SIGKILL')
        mkdirSync(gateway.process.dataDir, { recursive: true })
        writeFileSync(join(gateway.process.dataDir, 'said.log'), gateway.process.said)
      } else await gateway.process.remove()
    }
    process.off('exit', this.#onExit)
    await Promise.all([this.redis.close(), this.kafka.close()])
    const ofGateways = this.gateways.flatMap(({ stations, redis, brokers }) => [stations, redis, ...brokers])
    await Promise.all([...ofGateways, ...this.toBroker].map((proxy) => proxy.close()))
  }
}

async function openGateway(
  name: string,
  redisPort: number,
  brokers: readonly TcpProxy[],
  { leaseMs, patienceMs, logBytesMax }: ClusterSettings
): Promise<ChaosGateway> {
  const redis = await TcpProxy.open(() => redisPort)
  const flags = {
    'node.id': name,
    'log.level': 'info',
    'redis.url': `redis://127.0.0.1:${redis.port}`,
    'redis.lease_ttl': `${leaseMs}ms`,
    'kafka.brokers': brokers.map(({ port }) => `127.0.0.1:${port}`).join(','),
    'delivery.broker_patience': `${patienceMs}ms`,
    'event_log.bytes_max': logBytesMax,
    // So that a command nobody sends has its end, as `not_sent/expired` in the table, before a case is given up.
    'limits.command_age_max': `${commandAgeMaxMs}ms`
  }
  const gateway = new GatewayProcess(Object.entries(flags).flatMap(([key, value]) => [`--${key}`, value]))
  const stations = await TcpProxy.open(() => Number(new URL(gateway.url).port))
  return new ChaosGateway({ name, process: gateway, stations, redis, brokers })
}
