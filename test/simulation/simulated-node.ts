import { EmbeddedSessionRegistry } from '../../src/adapters/embedded/session-registry.ts'
import { stopInOrder } from '../../src/app/stop-in-order.ts'
import { rulesOf } from '../../src/events/to-events.ts'
import { Cluster, joinPorts } from '../../src/gateway/cluster/cluster.ts'
import { forwarderConsumer } from '../../src/gateway/forward-cursor.ts'
import { Forwarder } from '../../src/gateway/forwarder.ts'
import { createGatewayNode, type GatewayNode } from '../../src/gateway/node.ts'
import type { CommandRequest, Submitted } from '../../src/gateway/views.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { CommandSource } from '../../src/ports/command-source.ts'
import type { Logger } from '../../src/ports/logger.ts'
import { createValidator } from '../../src/protocol/validate.ts'
import { Session } from '../../src/session/session.ts'
import { gatewaySettings } from '../support/gateway.ts'
import { acceptingAuthority } from '../support/memory-ports.ts'
import { noMetrics } from '../support/no-metrics.ts'
import type { Bus } from './bus.ts'
import { BusSink } from './bus-sink.ts'
import { BusSource } from './bus-source.ts'
import type { SimulatedConnection } from './connection.ts'
import { Disk, DiskLife } from './disk.ts'
import type { Network } from './network.ts'
import { OwnLedger, ownDirectory, ownTransactionIds } from './own-ports.ts'
import type { RedisModel } from './redis-model.ts'
import {
  type ControlFaults,
  type Listeners,
  redisControl,
  redisLedger,
  redisRegistry,
  redisRoll,
  redisShared
} from './redis-ports.ts'
import { type Actor, actorOf, type Scheduler } from './scheduler.ts'
import { leaseTtlMs, SimulatedLease } from './simulated-lease.ts'

export const commandAgeMaxMs = 20_000
export const callTimeoutMs = 5_000
/** As `serve` waits, beyond the deadline, before it exits. */
const stopGraceMs = 3_000
/** As the API waits for requests that are being answered. */
const apiGraceMs = 1_000
const validator = createValidator('1.6')
const rules = rulesOf('1.6')

export interface StoppedSession {
  readonly chargePointId: string
  readonly epoch: number
  readonly node: string
  /** The stop came to its end, and the node never stood still: it had its lease all the time. */
  isGivenBack: boolean
}

interface StoppedParts {
  readonly gateway: GatewayNode
  readonly forwarder: Forwarder
  readonly cluster: Cluster
  readonly commands: CommandSource
  readonly clock: Clock
  readonly logger: Logger
}

export interface NodeWorld {
  readonly scheduler: Scheduler
  readonly world: Actor
  readonly network: Network
  readonly redis: RedisModel
  readonly bus: Bus
  readonly listeners: Listeners
  readonly controlFaults: ControlFaults
  /** Sessions that a node has ended in its stop, and has their ends on its disk. */
  readonly stopped: StoppedSession[]
  /** Errors that the gateway logs: what it calls its own mistake is one. */
  readonly complaints: string[]
}

/** One gateway on its disk, over any number of lives. */
export class SimulatedNode {
  readonly name: string
  readonly disk: Disk
  actor: Actor
  gateway: GatewayNode | undefined
  /** Accepts connections. */
  isListening = false
  /** Its API answers. */
  isAsked = false
  /** How far its clock is ahead of the true time. */
  skewMs = 0
  connections: SimulatedConnection[] = []
  readonly #world: NodeWorld
  readonly #requests = new Set<Promise<Submitted>>()
  #lives = 0
  #ids = 0
  #hasStoodStill = false
  #shutDown: ((deadlineMs: number) => Promise<void>) | undefined

  constructor(name: string, world: NodeWorld) {
    this.name = name
    this.disk = new Disk(`log of ${name}`)
    this.#world = world
    this.actor = actorOf(name)
    this.actor.isAlive = false
  }

  get isUp(): boolean {
    return this.actor.isAlive
  }

  /** A new process on the same disk. */
  start(): void {
    if (this.actor.isAlive) return
    const { scheduler } = this.#world
    this.#lives++
    this.actor = actorOf(`${this.name}#${this.#lives}`)
    this.connections = []
    this.#requests.clear()
    scheduler.say(`${this.name}: starts`)
    scheduler.after(0, this.actor, () => {
      this.#run().catch((error: unknown) => {
        scheduler.say(`${this.name}: does not start: ${String(error)}`)
        this.#world.complaints.push(`${this.name} did not start: ${String(error)}`)
      })
    })
  }

  /** A command by the API; undefined: it answers no more. */
  ask(request: CommandRequest): Promise<Submitted> | undefined {
    if (!this.isAsked || !this.gateway) return undefined
    const asked = this.gateway.desk.submit(request)
    this.#requests.add(asked)
    return asked
  }

  /** SIGTERM; and when it has ended, a new process a while later. A node that is not there yet, or is stopping, hears nothing. */
  stop(deadlineMs: number, downMs: number): void {
    const shutDown = this.#shutDown
    if (!this.actor.isAlive || !shutDown) return
    this.#shutDown = undefined
    const { scheduler, world } = this.#world
    const { actor } = this
    scheduler.say(`${this.name}: is stopped within ${deadlineMs} ms`)
    const over = (how: string) => {
      if (!actor.isAlive) return
      scheduler.say(`${this.name}: ${how}`)
      this.#end()
      scheduler.after(downMs, world, () => this.start())
    }
    scheduler.after(0, actor, () => {
      shutDown(deadlineMs).then(
        () => over('has stopped'),
        (error: unknown) => {
          this.#world.complaints.push(`${this.name} did not stop: ${String(error)}`)
          over('has failed to stop')
        }
      )
    })
    scheduler.after(deadlineMs + stopGraceMs, actor, () => over('has not stopped in time, and exits'))
  }

  /** kill -9. */
  crash(): void {
    if (!this.actor.isAlive) return
    this.#world.scheduler.say(`${this.name}: is killed`)
    this.#end()
  }

  #end(): void {
    this.actor.isAlive = false
    this.isListening = false
    this.isAsked = false
    this.#shutDown = undefined
    this.#world.listeners.delete(this.name)
    for (const connection of this.connections) {
      if (this.#world.scheduler.random.chance(0.7)) connection.reset()
      else connection.cut()
    }
  }

  /** SIGSTOP and, after a while, SIGCONT. */
  pause(ms: number): void {
    this.#world.scheduler.say(`${this.name}: stands still for ${ms} ms`)
    this.#hasStoodStill = true
    this.actor.pausedUntilMs = this.#world.scheduler.nowMs + ms
  }

  async #run(): Promise<void> {
    const { actor, name, disk } = this
    const { scheduler, world, network, redis, bus, listeners, controlFaults } = this.#world
    const clock = scheduler.clockOf(actor, this.skewMs)
    const onDisk = { disk, scheduler, actor, clock, recordsMax: 400, requiredConsumer: forwarderConsumer }
    const log = new DiskLife(onDisk)
    const registry = new EmbeddedSessionRegistry(name, log, clock)
    const ledger = new OwnLedger(log, (id) => registry.currentEpoch(id))
    const logger = this.#logger()
    const ask = <T>(step: () => T) => network.request(name, actor, 'redis', world, step)
    const lease = new SimulatedLease({ node: name, installation: `disk of ${name}`, clock, redis, ask })
    const life = { node: name, actor, world, clock, scheduler, network, redis, listeners, lease, ask }
    const shared = redisShared(life)
    const transactionIds = ownTransactionIds(onDisk, shared.reserveTransactionIds)
    const own = {
      node: name,
      clock,
      logger,
      metrics: noMetrics,
      store: log,
      directory: ownDirectory(log, transactionIds),
      registry,
      ledger,
      commandMemoryMs: gatewaySettings.commandMemoryMs,
      leaseTtlMs,
      transactionIds
    }
    const sink = new BusSink({ bus, node: name, actor, world, scheduler })
    const ports = {
      lease,
      registry: redisRegistry(life),
      control: redisControl(life, controlFaults),
      ledger: redisLedger(life),
      roll: redisRoll(life),
      shared,
      commands: new BusSource({ bus, node: name, actor, world, scheduler })
    }
    const joined = joinPorts(ports, own)
    const nextId = () => `${name}-${this.#lives}-${++this.#ids}`
    const tools = {
      settings: sessionSettings(name),
      ids: { eventId: nextId, messageId: nextId },
      validator,
      rules
    }
    const gateway = createGatewayNode({
      settings: { ...gatewaySettings, node: name, commandAgeMaxMs, callTimeoutMs, takeoversMax: 1_000 },
      clock,
      logger,
      metrics: noMetrics,
      log,
      store: log,
      directory: joined.directory,
      registry: joined.registry,
      ledger: joined.ledger,
      route: joined.route,
      authority: acceptingAuthority,
      ids: { eventId: nextId, commandId: nextId },
      makeSession: (start) => new Session(tools, start)
    })
    const settings = { node: name, adoptionsPerSecondMax: 100, leaseTtlMs, recheckMs: 20_000 }
    const cluster = new Cluster(ports, own, joined, gateway, settings)
    const forwarder = new Forwarder({
      settings: forwarderSettings(name),
      log,
      store: log,
      sink,
      clock,
      logger,
      metrics: noMetrics
    })
    this.gateway = gateway
    await gateway.recover()
    await cluster.start()
    void forwarder.start()
    this.isListening = true
    this.isAsked = true
    this.#shutDown = async (deadlineMs) => {
      await this.#stopInOrder({ gateway, forwarder, cluster, commands: ports.commands, clock, logger }, deadlineMs)
      // What src/app closes afterwards, in its order.
      this.isAsked = false
      const answered = Promise.allSettled(this.#requests)
      await Promise.race([answered, scheduler.later(apiGraceMs, actor, () => undefined)])
      await sink.close()
      await log.close()
    }
    scheduler.say(`${name}: listens`)
  }

  async #stopInOrder(
    { gateway, forwarder, cluster, commands, clock, logger }: StoppedParts,
    deadlineMs: number
  ): Promise<void> {
    const { name } = this
    let open: readonly StoppedSession[] = []
    const stop = async (leftMs: number) => {
      open = gateway.hub
        .conversations()
        .map(({ session: { chargePointId, epoch } }) => ({ chargePointId, epoch, node: name, isGivenBack: false }))
      const report = await gateway.stop(leftMs)
      if (report.waiting === 0) this.#world.stopped.push(...open)
      return report
    }
    const outside = {
      stopTaking: () => commands.close(),
      stop: async (leftMs: number) => {
        await forwarder.stop(leftMs)
        await cluster.stop(leftMs)
      }
    }
    const stopAccepting = async () => {
      this.isListening = false
    }
    const node = { stopping: () => gateway.stopping(), stop }
    await stopInOrder({ outside, server: { stopAccepting }, node, clock, logger }, deadlineMs)
    for (const session of open) session.isGivenBack = !this.#hasStoodStill
  }

  #logger(): Logger {
    const { scheduler, complaints } = this.#world
    const say = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
      const about = [fields.chargePointId, fields.epoch, fields.commandId, fields.error]
      const line = `${this.name}: ${message} ${about
        .filter((fact) => fact !== undefined)
        .map(String)
        .join(' ')}`
      scheduler.say(line)
      if (level === 'error') complaints.push(line)
    }
    return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
  }
}

function forwarderSettings(node: string) {
  return {
    node,
    topic: 'events',
    bytesMax: 200_000,
    batchRecordsMax: 20,
    batchBytesMax: 100_000,
    sendsPerS: 1_000,
    sendsBurst: 100,
    ackStallMs: 8_000
  }
}

function sessionSettings(node: string) {
  return {
    node,
    bootIntervalS: 300,
    queueCallsMax: 8,
    replayWindowMs: 60_000,
    replayAnswersMax: 16,
    badFramesMax: 3,
    leniency: 'tolerant',
    includeRaw: 'when_needed',
    openTransactionsMax: 8,
    endedTransactionsMax: 8,
    violationsPerMinuteMax: 6
  } as const
}
