import type { Embedded } from '../adapters/embedded/open-embedded.ts'
import { createKafkaCommandSource } from '../adapters/kafka/command-source.ts'
import { createKafkaEventSink } from '../adapters/kafka/event-sink.ts'
import { createRedis, type Redis } from '../adapters/redis/create-redis.ts'
import type { Config } from '../config/schema.ts'
import { busDependency, commandsDependency } from '../gateway/bus-state.ts'
import { Cluster, type JoinedPorts, joinPorts, type OwnPorts } from '../gateway/cluster/cluster.ts'
import { startIntake } from '../gateway/cluster/command-intake.ts'
import { DeliveryGate } from '../gateway/delivery-gate.ts'
import { Forwarder } from '../gateway/forwarder.ts'
import type { GatewayNode } from '../gateway/node.ts'
import type { ChargePointsView } from '../gateway/views.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommandSource } from '../ports/command-source.ts'
import type { EventSink } from '../ports/event-sink.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import {
  busSettings,
  clusterSettings,
  createTopics,
  forwarderSettings,
  kafkaConnection,
  redisSettings
} from './outside-settings.ts'
import type { NodePorts, Surroundings } from './surroundings.ts'

export interface OutsideDeps {
  readonly config: Config
  readonly embedded: Embedded
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

interface Bus {
  readonly sink: EventSink
  readonly forwarder: Forwarder
  readonly gate: DeliveryGate | undefined
  readonly commands: CommandSource
}

/** Kafka and Redis as far as the configuration names them, and this node's part in what is shared there. */
export class Outside implements Surroundings {
  readonly ports: NodePorts
  readonly #deps: OutsideDeps
  readonly #bus: Bus | undefined
  readonly #redis: Redis | undefined
  readonly #joined: JoinedPorts | undefined
  #cluster: Cluster | undefined

  constructor(deps: OutsideDeps) {
    const { config, embedded } = deps
    this.#deps = deps
    this.#bus = config.kafka.brokers.length > 0 ? openBus(deps) : undefined
    this.#redis =
      config.redis.url === undefined
        ? undefined
        : createRedis({ ...redisSettings(config, config.redis.url), installation: embedded.log.id, ...deps })
    this.#joined = this.#redis && joinPorts(this.#redis, this.#own())
    const { directory, registry, ledger } = embedded
    this.ports = {
      ...(this.#joined ?? { directory, registry, ledger }),
      ...(this.#bus?.gate ? { gate: this.#bus.gate } : {})
    }
  }

  async transactionIdBlocks(
    count: number,
    atLeast: number
  ): Promise<{ readonly first: number; readonly last: number }> {
    if (!this.#redis) throw new TypeError('without Redis the node counts by itself')
    return await this.#redis.shared.reserveTransactionIds(count, atLeast)
  }

  points(node: GatewayNode): ChargePointsView {
    return this.#cluster?.points ?? node.hub
  }

  async start(node: GatewayNode): Promise<void> {
    const { config, logger, metrics } = this.#deps
    const bus = this.#bus
    if (this.#redis && this.#joined) {
      const ports = { ...this.#redis, ...(bus ? { commands: bus.commands } : {}) }
      this.#cluster = new Cluster(ports, this.#own(), this.#joined, node, clusterSettings(config))
      const cluster = this.#cluster
      const redis = this.#redis
      node.dependsOn(() => cluster.dependency(redis.state()))
      await cluster.start()
    } else if (bus) {
      startIntake({ source: bus.commands, desk: node.desk, metrics, logger }).catch((error: unknown) =>
        logger.error({ error }, 'commands are no longer read from the bus')
      )
    }
    if (!bus) return
    node.dependsOn(() => commandsDependency('kafka_commands', bus.commands.state()))
    node.dependsOn(() => busDependency('kafka', bus.forwarder.state(), bus.gate?.state()))
    bus.forwarder.start().catch((error: unknown) => logger.error({ error }, 'events are no longer forwarded'))
  }

  async stopTaking(): Promise<void> {
    const bus = this.#bus
    // A bus that is away acknowledges nothing: who waits for it is answered from disk, or the stop would wait in vain.
    if (bus && bus.sink.state().kind !== 'up') bus.gate?.close()
    await bus?.commands.close()
  }

  async stop(deadlineMs: number): Promise<void> {
    await this.#bus?.forwarder.stop(deadlineMs)
    await this.#cluster?.stop(deadlineMs)
  }

  async close(): Promise<void> {
    this.#bus?.gate?.close()
    await Promise.allSettled([this.#bus?.commands.close(), this.#bus?.sink.close()])
    await this.#redis?.close()
  }

  #own(): OwnPorts {
    const { config, embedded, clock, logger, metrics } = this.#deps
    const { store, directory, registry, ledger, transactionIds } = embedded
    const { commandMemoryMs } = config.limits
    const { leaseTtlMs } = config.redis
    const node = config.node.id
    const parts = { store, directory, registry, ledger, transactionIds }
    return { node, clock, logger, metrics, ...parts, commandMemoryMs, leaseTtlMs }
  }
}

function openBus({ config, embedded, clock, logger, metrics }: OutsideDeps): Bus {
  const connection = kafkaConnection(config)
  const { sink: sinkSettings, source, brokerPatienceMs } = busSettings(config)
  const base = { connection, clock, logger, ...createTopics(config) }
  const sink = createKafkaEventSink({ ...base, ...sinkSettings })
  const { log, store } = embedded
  let gate: DeliveryGate | undefined
  const forwarder = new Forwarder({
    settings: forwarderSettings(config),
    log,
    store,
    sink,
    clock,
    logger,
    metrics,
    answeredLocally: (position) => gate?.answeredLocally(position) ?? false
  })
  if (brokerPatienceMs !== undefined) {
    gate = new DeliveryGate({ forwarder, log, clock, logger, metrics, patienceMs: brokerPatienceMs })
  }
  const commands = createKafkaCommandSource({ ...base, ...source })
  return { sink, forwarder, gate, commands }
}
