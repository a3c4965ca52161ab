import { GatewayError } from '../../src/lib/gateway-error.ts'
import type { CommandHandler, CommandSource, SourceRecord } from '../../src/ports/command-source.ts'
import type { EventSink, SinkRecord } from '../../src/ports/event-sink.ts'
import type { Network } from './network.ts'
import type { Actor, Scheduler } from './scheduler.ts'

export const partitionCount = 3

/** The part of a partition that every node computes alike. */
export function partitionOf(key: string): number {
  let sum = 0
  for (const unit of key) sum = (31 * sum + (unit.codePointAt(0) ?? 0)) >>> 0
  return sum % partitionCount
}

interface Member {
  readonly node: string
  readonly actor: Actor
}

interface Assignment {
  readonly generation: number
  readonly partitions: readonly number[]
}

const sessionTimeoutMs = 4_000

/** The broker: a topic of events, a topic of commands, and the group that reads it. */
export class Bus {
  readonly events: { readonly key: string; readonly value: string }[][] = Array.from(
    { length: partitionCount },
    () => []
  )
  readonly commands: SourceRecord[][] = Array.from({ length: partitionCount }, () => [])
  readonly deadLetters: SourceRecord[] = []
  readonly committed: number[] = Array.from({ length: partitionCount }, () => 0)
  generation = 0
  /** Commits that are refused or whose answer is lost. */
  commitLossChance = 0
  readonly #scheduler: Scheduler
  readonly #world: Actor
  readonly #network: Network
  readonly #members = new Map<Member, number>()
  readonly #assigned = new Map<Member, readonly number[]>()

  constructor(scheduler: Scheduler, world: Actor, network: Network) {
    this.#scheduler = scheduler
    this.#world = world
    this.#network = network
    this.#watch()
  }

  produce(key: string, value: string): void {
    const partition = partitionOf(key)
    const records = this.commands[partition] ?? []
    const where = `commands/${partition}@${records.length}`
    records.push({ key, value, timestampMs: this.#scheduler.nowMs, where, generation: 0 })
  }

  /** Keeps its place in the group, and hears what it is to read. */
  heartbeat(member: Member): Assignment {
    const isNew = !this.#members.has(member)
    this.#members.set(member, this.#scheduler.nowMs)
    if (isNew) this.rebalance()
    return { generation: this.generation, partitions: this.#assigned.get(member) ?? [] }
  }

  leave(member: Member): void {
    if (this.#members.delete(member)) this.rebalance()
  }

  commit(generation: number, partition: number, offset: number): boolean {
    if (generation !== this.generation) return false
    this.committed[partition] = offset
    return true
  }

  /** Every member gets its part anew; the seed decides which. */
  rebalance(): void {
    this.generation++
    const members = [...this.#members.keys()].sort((a, b) => (a.node < b.node ? -1 : 1))
    const shift = this.#scheduler.random.between(0, partitionCount)
    this.#assigned.clear()
    for (const [index, member] of members.entries()) {
      const mine = [...this.commands.keys()].filter((partition) => (partition + shift) % members.length === index)
      this.#assigned.set(member, mine)
    }
  }

  /** An operator sets the group back. */
  setBack(records: number): void {
    for (const [partition, offset] of this.committed.entries())
      this.committed[partition] = Math.max(0, offset - records)
    this.#scheduler.say(`bus: the group is set back by ${records}`)
    this.rebalance()
  }

  /** Who is not heard of loses its partitions. */
  #watch(): void {
    this.#scheduler.after(500, this.#world, () => {
      const lateMs = this.#scheduler.nowMs - sessionTimeoutMs
      let lost = false
      for (const [member, seenMs] of this.#members) {
        if (seenMs > lateMs) continue
        this.#members.delete(member)
        lost = true
      }
      if (lost) this.rebalance()
      this.#watch()
    })
  }

  reaches(node: string): boolean {
    return this.#network.reaches(node, 'bus')
  }
}

export interface BusLife {
  readonly bus: Bus
  readonly node: string
  readonly actor: Actor
  readonly world: Actor
  readonly scheduler: Scheduler
}

const retryMs = 300

/** A producer that retries for ever. */
export function busSink({ bus, node, actor, world, scheduler }: BusLife): EventSink {
  const { random } = scheduler
  const openedMs = scheduler.nowMs
  let restarts = 0
  const outstanding = new Set<(error: Error) => void>()
  const untilReached = async (): Promise<void> => {
    while (!bus.reaches(node)) await scheduler.later(retryMs, actor, () => undefined)
  }
  return {
    open: untilReached,
    state: () => ({ kind: bus.reaches(node) ? 'up' : 'down', sinceMs: openedMs }),
    partitions: partitionCount,
    partitionOf,
    recordBytesMax: 1_000_000,
    send: (partition: number, records: readonly SinkRecord[]) =>
      new Promise<void>((resolve, reject) => {
        outstanding.add(reject)
        const life = restarts
        const attempt = async (): Promise<void> => {
          await untilReached()
          if (life !== restarts) return
          await new Promise<void>((written) => {
            scheduler.after(random.between(0, 30), world, () => {
              bus.events[partition]?.push(...records.map(({ key, value }) => ({ key, value })))
              scheduler.after(random.between(0, 20), actor, written)
            })
          })
          await untilReached()
          outstanding.delete(reject)
          resolve()
        }
        void attempt()
      }),
    restart: async () => {
      restarts++
      for (const reject of outstanding) reject(new GatewayError('sink_restarted', 'made anew', { canRetry: true }))
      outstanding.clear()
    },
    close: async () => undefined
  }
}

const batchMax = 4
const pollMs = 100
const closeMs = 5_000

/** One member of the group: accepts a batch, commits it in its generation, and only then goes on. */
export class BusSource implements CommandSource {
  readonly #life: BusLife
  readonly #member: Member
  #handler: CommandHandler | undefined
  #generation = 0
  #isPaused = false
  #isClosed = false
  readonly #reading = new Set<Promise<void>>()
  /** Next offset by partition. */
  #positions = new Map<number, number>()

  constructor(life: BusLife) {
    this.#life = life
    this.#member = { node: life.node, actor: life.actor }
  }

  async start(handler: CommandHandler): Promise<void> {
    this.#handler = handler
    this.#beat()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
  }

  async deadLetter(record: SourceRecord): Promise<void> {
    await this.#wait(10)
    this.#life.bus.deadLetters.push(record)
  }

  state() {
    return { kind: 'up', sinceMs: 0 } as const
  }

  /** As the real one: leaves the group when it can, and waits a while for who still accepts. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const { bus, node, scheduler, actor } = this.#life
    await this.#wait(20)
    if (bus.reaches(node)) bus.leave(this.#member)
    await Promise.race([Promise.all(this.#reading), scheduler.later(closeMs, actor, () => undefined)])
  }

  #beat(): void {
    const { bus, node, scheduler, actor } = this.#life
    if (this.#isClosed) return
    if (bus.reaches(node)) this.#assigned(bus.heartbeat(this.#member))
    scheduler.after(500, actor, () => this.#beat())
  }

  #assigned({ generation, partitions }: Assignment): void {
    if (generation === this.#generation) return
    this.#generation = generation
    const { bus } = this.#life
    this.#positions = new Map(partitions.map((partition) => [partition, bus.committed[partition] ?? 0]))
    for (const partition of partitions) {
      const reading = this.#read(partition, generation)
      this.#reading.add(reading)
      void reading.finally(() => this.#reading.delete(reading))
    }
  }

  async #read(partition: number, generation: number): Promise<void> {
    const { bus, node } = this.#life
    while (generation === this.#generation && !this.#isClosed) {
      await this.#wait(pollMs)
      const from = this.#positions.get(partition) ?? 0
      const records = (bus.commands[partition] ?? []).slice(from, from + batchMax)
      const batch = records.map((record) => ({ ...record, generation }))
      if (batch.length === 0 || this.#isPaused || !bus.reaches(node)) continue
      try {
        await this.#handler?.accept(batch)
      } catch (error) {
        this.#life.scheduler.say(`${node}: a batch was not accepted: ${String(error).slice(0, 80)}`)
        await this.#wait(retryMs)
        continue
      }
      const to = from + batch.length
      if (await this.#commit(generation, partition, to)) {
        this.#positions.set(partition, to)
        this.#life.scheduler.say(`${node}: ${partition}@${to} committed`)
        this.#handler?.proceed(batch)
      } else {
        this.#positions.set(partition, bus.committed[partition] ?? 0)
        void this.#awaitOtherCommit(partition, to, batch)
      }
    }
  }

  /** Said until it is answered; refused after one without an answer, the committed offset tells. */
  async #commit(generation: number, partition: number, offset: number): Promise<boolean> {
    const { bus, node, scheduler } = this.#life
    const isThere = () => bus.reaches(node) && (bus.committed[partition] ?? 0) >= offset
    for (let tries = 1; tries < 10 || generation === this.#generation; tries++) {
      await this.#wait(20)
      const isReached = bus.reaches(node)
      const isLost = scheduler.random.chance(bus.commitLossChance) || !isReached
      const isDone = isReached && !(isLost && scheduler.random.chance(0.5)) && bus.commit(generation, partition, offset)
      await this.#wait(20)
      if (!isLost) return isDone || (tries > 1 && isThere())
      await this.#wait(retryMs)
    }
    return isThere()
  }

  /** As the real one: another member reads them again, takes them over or finds them claimed, and commits them. */
  async #awaitOtherCommit(partition: number, offset: number, batch: readonly SourceRecord[]): Promise<void> {
    const { bus, node } = this.#life
    for (let tries = 0; tries < 60 && !this.#isClosed; tries++) {
      await this.#wait(5_000)
      if (!bus.reaches(node) || (bus.committed[partition] ?? 0) < offset) continue
      this.#handler?.committedElsewhere?.(batch)
      return
    }
  }

  #wait(ms: number): Promise<void> {
    const { scheduler, actor } = this.#life
    return scheduler.later(scheduler.random.between(0, ms), actor, () => undefined)
  }
}
