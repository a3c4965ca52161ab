import type { ConsumerRecord, EventLog, LogEntry, LogRange, LogRecord, LogState } from '../../../src/ports/event-log.ts'

const envelope = { specversion: '1.0', source: '/charge-points/CP-1', time: '2026-11-23T10:00:00.000Z' } as const

/** An event log in memory that keeps the port's contract; what is durable and what is trimmed is up to the test. */
export class FakeEventLog implements EventLog {
  readonly id: string
  #records: LogRecord[] = []
  #oldest = 1
  #next = 1
  #durable = 0
  readonly #listeners = new Set<(durable: number) => void>()
  readonly #consumers = new Map<string, ConsumerRecord>()
  readonly required = new Set<string>()
  reads = 0
  recordsRead = 0
  subscriptions = 0

  constructor(id = 'log-a') {
    this.id = id
  }

  /** Append without making it durable. */
  hold(...entries: readonly Pick<LogEntry, 'chargePointId' | 'type' | 'text'>[]): void {
    for (const { chargePointId, type, text } of entries)
      this.#records.push({ position: this.#next++, appendedAtMs: 0, chargePointId, type, text })
  }

  flush(): void {
    this.#durable = this.#next - 1
    for (const listener of [...this.#listeners]) listener(this.#durable)
  }

  async append(entries: readonly LogEntry[]): Promise<number> {
    this.hold(...entries)
    this.flush()
    return this.#durable
  }

  /** Events `event 1`, `event 2`, ... of a charge point. */
  fill(count: number, chargePointId = 'CP-1', type = 'meter.values', padding = 0): void {
    const pad = 'x'.repeat(padding)
    for (let i = 0; i < count; i += 1) {
      const text = JSON.stringify({
        ...envelope,
        id: `event ${this.#next}`,
        type,
        subject: chargePointId,
        data: { pad }
      })
      this.hold({ chargePointId, type, text })
    }
    this.flush()
  }

  /** Remove everything before `position`. */
  trimTo(position: number): void {
    this.#oldest = position
    this.#records = this.#records.filter((record) => record.position >= position)
  }

  range(): LogRange {
    return { oldest: this.#oldest, durable: this.#durable }
  }

  state(): LogState {
    return { bytes: 1000, bytesMax: 5000, full: false, heldBy: [] }
  }

  read(after: number, limit: number, bytesMax: number): readonly LogRecord[] {
    this.reads += 1
    const found: LogRecord[] = []
    let bytes = 0
    const first = this.#records[0]?.position ?? this.#next
    for (let i = Math.max(0, after + 1 - first); i < this.#records.length; i += 1) {
      const record = this.#records[i]
      if (!record || record.position > this.#durable || found.length === limit) break
      if (bytes >= bytesMax) break
      bytes += record.text.length
      found.push(record)
    }
    this.recordsRead += found.length
    return found
  }

  onAdvance(listener: (durable: number) => void): () => void {
    this.subscriptions += 1
    this.#listeners.add(listener)
    return () => {
      this.subscriptions -= 1
      this.#listeners.delete(listener)
    }
  }

  async putConsumer(name: string, position: number): Promise<ConsumerRecord> {
    const record = { name, position, required: this.required.has(name), updatedAtMs: Date.UTC(2026, 10, 23) }
    this.#consumers.set(name, record)
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

  async trim(): Promise<number> {
    return 0
  }
}
