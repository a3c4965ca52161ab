import { Bus } from './bus.ts'
import { SimulatedConnection } from './connection.ts'
import { Network } from './network.ts'
import { Random } from './random.ts'
import { RedisModel } from './redis-model.ts'
import type { ControlFaults, Listeners } from './redis-ports.ts'
import { type Actor, actorOf, Scheduler } from './scheduler.ts'
import { commandAgeMaxMs, type NodeWorld, SimulatedNode, type StoppedSession } from './simulated-node.ts'
import { type Manner, Station } from './station.ts'

/** A command that a backend gave. */
export interface Ordered {
  readonly id: string
  readonly chargePointId: string
  readonly firstGivenMs: number
  /** Told that it is taken (202), or put on the bus: it must have an outcome. */
  isTaken: boolean
  /** Answered at least once in a way that says nothing about it (503), or not at all. */
  isUnsure: boolean
}

/** Beyond all seeds that anybody tries. */
const laterSeeds = 1_000_003
const startMs = Date.UTC(2026, 10, 23, 10)

/** Everything there is: nodes, charge points, Redis, the bus, and what was asked of them. */
export class World implements NodeWorld {
  readonly random: Random
  /** For what was added later: what `random` gives to the histories without it stays as it was. */
  readonly laterRandom: Random
  readonly scheduler: Scheduler
  readonly world: Actor = actorOf('world')
  readonly network: Network
  readonly redis: RedisModel
  readonly bus: Bus
  readonly listeners: Listeners = new Map()
  readonly controlFaults: ControlFaults = { lostChance: 0, twiceChance: 0, lateChance: 0.03 }
  readonly stopped: StoppedSession[] = []
  readonly complaints: string[] = []
  readonly nodes: readonly SimulatedNode[]
  readonly stations: readonly Station[]
  readonly ordered = new Map<string, Ordered>()
  /** How often each command was written to a socket. */
  readonly written = new Map<string, number>()
  /** Commands of the bus as they were written, by charge point. */
  readonly writtenOfBus = new Map<string, string[]>()
  #orders = 0

  constructor(
    seed: number,
    size: { readonly nodes: number; readonly stations: number; readonly traceLinesKept: number }
  ) {
    this.random = new Random(seed)
    this.laterRandom = new Random(seed + laterSeeds)
    this.scheduler = new Scheduler(this.random, startMs, size.traceLinesKept)
    this.network = new Network(this.scheduler)
    this.redis = new RedisModel(this.scheduler)
    this.bus = new Bus(this.scheduler, this.world, this.network)
    this.nodes = Array.from({ length: size.nodes }, (_, n) => new SimulatedNode(`gw-${n}`, this))
    this.stations = Array.from({ length: size.stations }, (_, n) => this.#station(`CP-${n}`))
  }

  run(ms: number): Promise<void> {
    return this.scheduler.runUntil(this.scheduler.nowMs + ms)
  }

  /** A command by the API of some node; sometimes said twice, as backends do that got no answer. */
  orderByApi(chargePointId: string, id = `c-${++this.#orders}`): Ordered | undefined {
    const node = this.random.pick(this.nodes.filter(({ isAsked }) => isAsked))
    return node && this.#orderOf(node, chargePointId, id)
  }

  /** The same command by every node at once. */
  orderByAll(chargePointId: string, id: string): void {
    for (const node of this.nodes) this.#orderOf(node, chargePointId, id)
  }

  #orderOf(node: SimulatedNode, chargePointId: string, id: string): Ordered {
    const order = this.#order(id, chargePointId)
    this.scheduler.after(this.random.between(0, 30), node.actor, () => {
      this.scheduler.say(`${node.name}: is asked to send ${id} to ${chargePointId}`)
      order.isUnsure = true
      const data = dataOf(id)
      void node.ask({ id, chargePointId, type: 'ocpp.call', data, requestedBy: 'api' })?.then((said) => {
        this.scheduler.say(`${node.name}: ${id} is ${said.kind}`)
        if (said.kind === 'accepted') order.isTaken = true
      })
    })
    return order
  }

  orderByBus(chargePointId: string): void {
    const id = `b-${++this.#orders}`
    this.#order(id, chargePointId).isTaken = true
    this.scheduler.say(`bus: ${id} for ${chargePointId}`)
    this.bus.produce(chargePointId, JSON.stringify({ id, chargePointId, type: 'ocpp.call', data: dataOf(id) }))
  }

  /** By the API, and still of an age to be sent: a backend says it again only as long. */
  ordersToRepeat(): readonly Ordered[] {
    const sinceMs = this.scheduler.nowMs - commandAgeMaxMs
    return [...this.ordered.values()].filter(({ id, firstGivenMs }) => id.startsWith('c-') && firstGivenMs > sinceMs)
  }

  #order(id: string, chargePointId: string): Ordered {
    const known = this.ordered.get(id)
    if (known) return known
    const order = { id, chargePointId, firstGivenMs: this.scheduler.nowMs, isTaken: false, isUnsure: false }
    this.ordered.set(id, order)
    return order
  }

  #station(chargePointId: string): Station {
    const manners: readonly Manner[] = ['accepts', 'accepts', 'accepts', 'rejects', 'errors', 'mute']
    const actor = actorOf(chargePointId)
    return new Station({
      chargePointId,
      scheduler: this.scheduler,
      actor,
      manner: this.random.pick(manners) ?? 'accepts',
      connect: (station) => this.#connect(station, actor)
    })
  }

  /** Through the load balancer, the handshake, and the door of a node; undefined: refused, or the node died on it. */
  #connect(station: Station, actor: Actor): Promise<SimulatedConnection | undefined> {
    const { scheduler, random } = this
    const { chargePointId } = station
    const node = random.pick(this.nodes.filter(({ isListening }) => isListening))
    return new Promise((resolve) => {
      let isGivenUp = false
      const giveUp = scheduler.after(4_000, actor, () => {
        isGivenUp = true
        resolve(undefined)
      })
      if (!node) return
      const nodeActor = node.actor
      scheduler.after(random.between(1, 40), nodeActor, async () => {
        const admitted = await node.gateway?.hub.admit({
          chargePointId,
          version: '1.6',
          subprotocol: 'ocpp1.6',
          remoteAddress: '10.0.0.1'
        })
        if (!admitted?.ok) return
        // Between the decision and the upgrade the charge point may have gone.
        scheduler.after(random.between(0, 20), nodeActor, () => {
          if (random.chance(0.03)) return admitted.abandon()
          const connection: SimulatedConnection = new SimulatedConnection({
            scheduler,
            node: node.name,
            nodeActor,
            stationActor: actor,
            chargePointId,
            onStationFrame: (text) => station.hear(text),
            onStationClosed: () => station.closed(connection),
            onWritten: (text) => this.#wrote(node.name, text)
          })
          node.connections.push(connection)
          connection.attach(admitted.open(connection))
          scheduler.say(`${chargePointId}: connected to ${node.name}`)
          scheduler.after(random.between(0, 20), actor, () => {
            giveUp()
            if (isGivenUp) connection.leave(random.chance(0.5))
            resolve(connection.isOpenAtStation ? connection : undefined)
          })
        })
      })
    })
  }

  #wrote(node: string, text: string): void {
    const [type, , , payload] = JSON.parse(text) as [number, string, string, { readonly messageId?: string }?]
    const commandId = type === 2 ? payload?.messageId : undefined
    if (commandId === undefined) return
    this.scheduler.say(`${node}: writes ${commandId}`)
    this.written.set(commandId, (this.written.get(commandId) ?? 0) + 1)
    const chargePointId = this.ordered.get(commandId)?.chargePointId ?? ''
    if (!commandId.startsWith('b-')) return
    this.writtenOfBus.set(chargePointId, [...(this.writtenOfBus.get(chargePointId) ?? []), commandId])
  }
}

function dataOf(id: string): unknown {
  return { action: 'DataTransfer', payload: { vendorId: 'simulation', messageId: id } }
}
