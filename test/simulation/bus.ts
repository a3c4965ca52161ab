import type { SourceRecord } from '../../src/ports/command-source.ts'
import type { SinkRecord } from '../../src/ports/event-sink.ts'
import type { Network } from './network.ts'
import type { Actor, Scheduler } from './scheduler.ts'

export const partitionCount = 3

/** The part of a partition that every node computes alike. */
export function partitionOf(key: string): number {
  let sum = 0
  for (const unit of key) sum = (31 * sum + (unit.codePointAt(0) ?? 0)) >>> 0
  return sum % partitionCount
}

export interface Member {
  readonly node: string
  readonly actor: Actor
}

export interface Assignment {
  readonly generation: number
  readonly partitions: readonly number[]
}

const sessionTimeoutMs = 4_000

/** The broker: a topic of events, a topic of commands, and the group that reads it. */
export class Bus {
  readonly events: SinkRecord[][] = Array.from({ length: partitionCount }, () => [])
  readonly commands: SourceRecord[][] = Array.from({ length: partitionCount }, () => [])
  readonly deadLetters: SinkRecord[] = []
  readonly committed: number[] = Array.from({ length: partitionCount }, () => 0)
  generation = 0
  /** Of an event. */
  recordBytesMax = 1_000_000
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
    this.put(partitionOf(key), { key, value })
  }

  put(partition: number, record: Pick<SourceRecord, 'key' | 'value'>): void {
    const records = this.commands[partition] ?? []
    const where = `commands/${partition}@${records.length}`
    records.push({ ...record, timestampMs: this.#scheduler.nowMs, where, generation: 0 })
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
