import { setImmediate } from 'node:timers/promises'
import { GatewayError } from '../../src/lib/gateway-error.ts'
import type { ConsumerRecord, EventLog, LogEntry, LogRange, LogRecord, LogState } from '../../src/ports/event-log.ts'
import type { FakeClock } from './fake-clock.ts'

/** An event log in memory as the port says it: durable at once, trimmed as soon as required consumers let go. */
export class MemoryEventLog implements EventLog {
  readonly id = 'memory-log'
  clock: FakeClock
  readonly #required: ReadonlySet<string>
  #records: LogRecord[] = []
  #durable = 0
  #consumers = new Map<string, ConsumerRecord>()
  #listeners = new Set<(durable: number) => void>()
  #life = 0
  reads = 0
  recordsRead = 0

  constructor(clock: FakeClock, required: readonly string[] = []) {
    this.clock = clock
    this.#required = new Set(required)
  }

  async append(entries: readonly LogEntry[]): Promise<number> {
    for (const { chargePointId, type, text } of entries) {
      this.#durable++
      this.#records.push({ position: this.#durable, appendedAtMs: this.clock.now(), chargePointId, type, text })
    }
    const position = this.#durable
    for (const listener of this.#listeners) listener(position)
    return position
  }

  range(): LogRange {
    return { oldest: this.#records[0]?.position ?? this.#durable + 1, durable: this.#durable }
  }

  state(): LogState {
    return { bytes: 0, bytesMax: 1, full: false, heldBy: [] }
  }

  read(after: number, limit: number, bytesMax: number): readonly LogRecord[] {
    this.reads++
    const from = Math.max(0, after + 1 - this.range().oldest)
    const records: LogRecord[] = []
    let bytes = 0
    for (const record of this.#records.slice(from, from + limit)) {
      bytes += record.text.length
      if (records.length > 0 && bytes > bytesMax) break
      records.push(record)
      this.recordsRead++
    }
    return records
  }

  onAdvance(listener: (durable: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async putConsumer(name: string, position: number): Promise<ConsumerRecord> {
    const { oldest, durable } = this.range()
    if (position > durable || position < oldest - 1) throw new GatewayError('invalid_position', `${position}`)
    const record = { name, position, required: this.#required.has(name), updatedAtMs: this.clock.now() }
    const life = this.#life
    await setImmediate()
    if (life === this.#life) this.#consumers.set(name, record)
    return record
  }

  consumer(name: string): ConsumerRecord | undefined {
    return this.#consumers.get(name)
  }

  consumers(): readonly ConsumerRecord[] {
    return [...this.#consumers.values()]
  }

  async deleteConsumer(name: string): Promise<boolean> {
    return this.#consumers.delete(name)
  }

  /** Everything that required consumers let go. */
  async trim(): Promise<number> {
    const held = Math.min(...[...this.#required].map((name) => this.#consumers.get(name)?.position ?? 0))
    const before = this.#records.length
    this.#records = this.#records.filter(({ position }) => position > held)
    return before - this.#records.length
  }

  /** The process dies: nobody listens any more, and what was not yet on disk never gets there. */
  crash(): void {
    this.#life++
    this.#listeners.clear()
  }
}
