import type { Clock } from '../../ports/clock.ts'
import type { ClusterLedger } from '../../ports/cluster-ledger.ts'
import type { CommandSource } from '../../ports/command-source.ts'
import type { ControlChannel } from '../../ports/control-channel.ts'
import type { Directory } from '../../ports/directory.ts'
import type { SinkState } from '../../ports/event-sink.ts'
import type { LedgerRoll } from '../../ports/ledger-roll.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { NodeLease } from '../../ports/node-lease.ts'
import type { NodeStore } from '../../ports/node-store.ts'
import type { SessionRegistry } from '../../ports/session-registry.ts'
import type { SharedState } from '../../ports/shared-state.ts'
import type { CommandRoute } from '../command-desk.ts'
import type { GatewayNode } from '../node.ts'
import type { ChargePointsView, DependencyState } from '../views.ts'
import { Adoption } from './adoption.ts'
import { startIntake } from './command-intake.ts'
import { ClusterRoute } from './command-route.ts'
import { answerControl } from './control-desk.ts'
import { missingIsDead } from './dead-nodes.ts'
import { ClusterDirectory } from './directory.ts'
import { KeptLedger } from './ledger.ts'
import { LedgerKnowledge } from './ledger-knowledge.ts'
import { LostEpochs } from './lost-epochs.ts'
import { ClusterPoints } from './points-view.ts'
import { Projector } from './projector.ts'
import { redisDependency } from './redis-dependency.ts'
import { ClusterRegistry } from './registry.ts'
import { Settlement } from './settlement.ts'

/** What the nodes of a cluster share, as ports. */
export interface ClusterPorts {
  readonly lease: NodeLease
  readonly registry: SessionRegistry
  readonly control: ControlChannel
  readonly ledger: ClusterLedger
  readonly roll: LedgerRoll
  readonly shared: SharedState
  /** Commands of the bus; absent without one. */
  readonly commands?: CommandSource
}

/** What this node has by itself. */
export interface OwnPorts {
  readonly node: string
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly store: NodeStore
  readonly directory: Directory
  readonly registry: SessionRegistry
  readonly ledger: ConstructorParameters<typeof KeptLedger>[0]['local']
  readonly commandMemoryMs: number
  /** `redis.lease_ttl`. */
  readonly leaseTtlMs: number
  /** OCPP 1.6 transaction ids: none that this node has, or has heard of, is as great as `end`. */
  readonly transactionIds: { readonly end: number; heard(end: number): Promise<void>; fill(): void }
}

/** The node's ports with the cluster behind them, to build the node from. */
export interface JoinedPorts {
  readonly directory: Directory
  readonly registry: ClusterRegistry
  readonly ledger: KeptLedger
  readonly knowledge: LedgerKnowledge
  readonly route: CommandRoute
}

export function joinPorts(ports: ClusterPorts, own: OwnPorts): JoinedPorts {
  const { lease, control, ledger, shared } = ports
  const { node, clock, logger, store } = own
  const registry = new ClusterRegistry({
    node,
    clock,
    shared: ports.registry,
    local: own.registry,
    lease,
    control,
    logger
  })
  // Each node knows how far ids are given: a counter that was lost must give no block twice.
  const shareIds = async () => {
    const { first } = await shared.reserveTransactionIds(0, own.transactionIds.end)
    await own.transactionIds.heard(first)
  }
  const knowledge = new LedgerKnowledge({
    node,
    clock,
    logger,
    store,
    roll: ports.roll,
    lease,
    commandMemoryMs: own.commandMemoryMs,
    shareIds,
    restore: () => kept.restore()
  })
  const kept: KeptLedger = new KeptLedger({
    node,
    shared: ledger,
    local: own.ledger,
    store,
    lease,
    knowledge,
    clock,
    logger,
    onNotOwner: (chargePointId, epoch) => registry.doubt(chargePointId, epoch)
  })
  return {
    registry,
    directory: new ClusterDirectory(shared, own.directory),
    ledger: kept,
    knowledge,
    route: new ClusterRoute({
      node,
      clock,
      registry,
      ledger: kept,
      control,
      lease,
      missingIsDead: missingIsDead(lease, clock, own.leaseTtlMs),
      logger
    })
  }
}

export interface ClusterSettings {
  readonly node: string
  readonly adoptionsPerSecondMax: number
  readonly leaseTtlMs: number
  /** See `Adoption`. */
  readonly recheckMs: number
}

/** One node's part in the cluster: adopts, projects, answers other nodes, takes commands from the bus, ends what dead nodes left. */
export class Cluster {
  readonly points: ChargePointsView
  readonly #ports: ClusterPorts
  readonly #own: OwnPorts
  readonly #joined: JoinedPorts
  readonly #node: GatewayNode
  readonly #adoption: Adoption
  readonly #projector: Projector
  readonly #settlement: Settlement
  readonly #lostEpochs: LostEpochs

  constructor(ports: ClusterPorts, own: OwnPorts, joined: JoinedPorts, node: GatewayNode, settings: ClusterSettings) {
    const { lease, control, ledger, shared } = ports
    const { clock, logger, store } = own
    const { hub, desk, pipeline, events } = node
    this.#ports = ports
    this.#own = own
    this.#joined = joined
    this.#node = node
    const othersAreDead = missingIsDead(lease, clock, settings.leaseTtlMs)
    this.points = new ClusterPoints({
      node: settings.node,
      here: hub,
      directory: joined.directory,
      registry: joined.registry,
      lease,
      missingIsDead: othersAreDead,
      control
    })
    this.#adoption = new Adoption({
      node: settings.node,
      clock,
      lease,
      registry: joined.registry,
      find: (chargePointId) => hub.find(chargePointId),
      restore: () => joined.knowledge.tell(),
      logger,
      perSecondMax: settings.adoptionsPerSecondMax,
      recheckMs: settings.recheckMs
    })
    this.#projector = new Projector({ clock, shared, store, logger })
    this.#settlement = new Settlement({
      clock,
      ledger,
      missingIsDead: othersAreDead,
      isInDoubt: (record) => joined.knowledge.isInDoubt(record),
      own: joined.ledger,
      settle: (commandId, outcome) => desk.settle(commandId, outcome),
      publish: (record) => desk.publishSettled(record),
      logger
    })
    this.#lostEpochs = new LostEpochs({
      node: settings.node,
      clock,
      shared,
      store,
      missingIsDead: othersAreDead,
      pipeline,
      events,
      logger
    })
    pipeline.onLanded((entries) => {
      for (const { changes } of entries) this.#projector.add(changes)
    })
    node.registrations.onForgotten((changes) => this.#projector.add(changes))
    desk.onPublished((commandId) => {
      ledger
        .published(commandId)
        .catch((error: unknown) =>
          logger.debug({ commandId, error }, 'the registry is away; the outcome may be published again')
        )
    })
    // Redis was emptied, or has been away: what this node knows goes there anew.
    lease.onChange((state) => {
      if (state === 'lost') this.#projector.addAll()
      if (state === 'held') own.transactionIds.fill()
    })
  }

  /** Rows that the shared state does not have yet. */
  get projectionBacklog(): number {
    return this.#projector.backlog
  }

  /** Take the lease and begin; rejects with `node_id_taken`. The registry may be away. */
  async start(): Promise<void> {
    const { lease, control, commands } = this.#ports
    const { logger, metrics } = this.#own
    await lease.begin()
    this.#projector.addAll()
    if (lease.state().kind === 'held') {
      await this.#lostEpochs.checkOwn().catch((error: unknown) => {
        logger.debug({ error }, 'the registry is away; what it takes for open is looked at when it is back')
      })
    }
    control
      .listen(
        answerControl({
          find: (id) => this.#node.hub.find(id),
          displaced: (id, epoch) => this.#joined.registry.displaced(id, epoch),
          take: async (record, conversation) => {
            if (await this.#joined.ledger.take(record)) this.#node.desk.take(record, conversation)
          }
        })
      )
      .catch((error: unknown) => logger.error({ error }, 'other nodes cannot reach this one'))
    this.#joined.knowledge.start()
    this.#settlement.start()
    this.#lostEpochs.start()
    if (commands)
      await startIntake({
        source: commands,
        desk: this.#node.desk,
        lease,
        ledger: this.#joined.ledger,
        metrics,
        logger
      })
  }

  /** After the node has drained: write down what is left, give the lease back. */
  async stop(deadlineMs: number): Promise<void> {
    const { lease, control } = this.#ports
    this.#settlement.stop()
    this.#lostEpochs.stop()
    this.#adoption.stop()
    this.#joined.knowledge.stop()
    this.#joined.ledger.stop()
    if (!(await this.#projector.drained(deadlineMs))) {
      this.#own.logger.warn(
        { rows: this.#projector.backlog },
        'the shared state does not have everything yet; the next start writes it'
      )
    }
    this.#projector.stop()
    await control.close()
    await lease.end()
  }

  /** `way`: what the way to Redis says of itself. */
  dependency(way: SinkState): DependencyState {
    return redisDependency(this.#own.node, this.#ports.lease.state(), way)
  }
}
