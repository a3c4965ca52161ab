import type { CommandHandler, CommandSource, SourceRecord } from '../../src/ports/command-source.ts'
import type { Assignment, BusLife, Member } from './bus.ts'

const retryMs = 300
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
    if (this.#handler) throw new Error('the source is started once')
    this.#handler = handler
    this.#beat()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
  }

  async deadLetter({ key = '', value, where, timestampMs }: SourceRecord, reason: string): Promise<void> {
    const { bus, node } = this.#life
    await this.#wait(10)
    while (!bus.reaches(node)) await this.#wait(retryMs)
    const headers = {
      dead_letter_reason: reason,
      dead_letter_where: where,
      dead_letter_timestamp: new Date(timestampMs).toISOString()
    }
    bus.deadLetters.push({ key, value, headers })
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
