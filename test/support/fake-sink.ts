import { ok } from 'node:assert'
import { setImmediate } from 'node:timers'
import { GatewayError } from '../../src/lib/gateway-error.ts'
import type { EventSink, SinkRecord, SinkState } from '../../src/ports/event-sink.ts'

interface Outstanding {
  readonly records: readonly SinkRecord[]
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  /** Written, and the answer got lost. */
  isWritten: boolean
}

export function recordBytes({ key, value, headers }: SinkRecord): number {
  return Buffer.byteLength([key, value, ...Object.entries(headers).flat()].join(''))
}

/** The topic, which outlives its clients. */
export class FakeTopic {
  readonly partitions: readonly SinkRecord[][]

  constructor(partitions: number) {
    this.partitions = Array.from({ length: partitions }, () => [])
  }
}

/**
 * A bus that acknowledges at once, or when and as the test says. It fails the test when two sends are outstanding on a
 * partition, and when what it has acknowledged is sent again.
 */
export class FakeSink implements EventSink {
  topic: FakeTopic
  recordBytesMax = 1_000_000
  /** What the topic takes in truth, for a whole batch. */
  batchBytesMax = Number.POSITIVE_INFINITY
  /** Partitions that acknowledge only when told; `all` for every one. */
  held: 'all' | ReadonlySet<number> = new Set()
  opens: Promise<void> = Promise.resolve()
  isRestarting = false
  /** What a restart waits for. */
  onRestart: () => Promise<void> = () => Promise.resolve()
  readonly sends: { readonly partition: number; readonly records: readonly SinkRecord[] }[] = []
  restarts = 0
  isDead = false
  /** Whether a restart rejects what is outstanding, as it should. */
  rejectsAtRestart = true
  #state: SinkState
  readonly #outstanding = new Map<number, Outstanding>()
  readonly #acknowledged = new Set<string>()

  constructor(topic: FakeTopic, nowMs = 0) {
    this.topic = topic
    this.#state = { kind: 'up', sinceMs: nowMs }
  }

  get partitions(): number {
    return this.topic.partitions.length
  }

  open(): Promise<void> {
    return this.opens
  }

  state(): SinkState {
    return this.#state
  }

  become(kind: SinkState['kind'], sinceMs: number): void {
    this.#state = { kind, sinceMs }
  }

  /** `CP-7` is in partition 7 modulo their number. */
  partitionOf(key: string): number {
    ok(!this.isRestarting, 'the partitions are not known')
    return Number(key.slice(3)) % this.partitions
  }

  get outstanding(): readonly number[] {
    return [...this.#outstanding.keys()].sort((a, b) => a - b)
  }

  send(partition: number, records: readonly SinkRecord[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (this.isDead) return promise
    ok(!this.#outstanding.has(partition), `two sends are outstanding on partition ${partition}`)
    ok(records.length > 0, 'an empty batch')
    for (const { key } of records) ok(this.partitionOf(key) === partition, `${key} is not in partition ${partition}`)
    const values = new Set(records.map(({ value }) => value))
    ok(values.size === records.length, 'an event stands twice in a batch')
    for (const value of values) ok(!this.#acknowledged.has(value), `sent again: ${value.slice(0, 80)}`)
    this.sends.push({ partition, records })
    this.#outstanding.set(partition, { records, resolve, reject, isWritten: false })
    if (this.held !== 'all' && !this.held.has(partition)) setImmediate(() => this.land(partition))
    return promise
  }

  /** Write what is outstanding on a partition, and say so unless the answer gets lost. */
  land(partition: number, answer: 'arrives' | 'is_lost' = 'arrives'): void {
    const sent = this.#outstanding.get(partition)
    if (!sent || this.isDead) return
    const bytes = sent.records.reduce((sum, record) => sum + recordBytes(record), 0)
    if (bytes > this.batchBytesMax) {
      this.fail(partition, 'record_too_large')
      return
    }
    if (!sent.isWritten) this.topic.partitions[partition]?.push(...sent.records)
    sent.isWritten = true
    if (answer === 'is_lost') return
    this.#outstanding.delete(partition)
    for (const { value } of sent.records) this.#acknowledged.add(value)
    sent.resolve()
  }

  fail(partition: number, code: string): void {
    const sent = this.#outstanding.get(partition)
    this.#outstanding.delete(partition)
    sent?.reject(new GatewayError(code, code))
  }

  /** What was acknowledged may come again: the topic was made anew. */
  recordsAgain(): void {
    this.#acknowledged.clear()
  }

  /** From now on every partition acknowledges at once. */
  release(): void {
    this.held = new Set()
    for (const partition of this.outstanding) this.land(partition)
  }

  async restart(): Promise<void> {
    this.restarts++
    this.isRestarting = true
    if (this.rejectsAtRestart) for (const partition of this.outstanding) this.fail(partition, 'sink_restarted')
    else this.#outstanding.clear()
    await this.onRestart()
    this.isRestarting = false
  }

  async close(): Promise<void> {
    for (const partition of this.outstanding) this.fail(partition, 'sink_closed')
  }
}
