import { setImmediate } from 'node:timers/promises'
import { Forwarder, type ForwarderSettings } from '../../src/gateway/forwarder.ts'
import type { LogEntry } from '../../src/ports/event-log.ts'
import type { SinkRecord } from '../../src/ports/event-sink.ts'
import type { Metrics } from '../../src/ports/metrics.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeSink, FakeTopic } from '../support/fake-sink.ts'
import { MemoryEventLog } from '../support/memory-event-log.ts'
import { memoryLogger } from '../support/memory-logger.ts'
import { MemoryStore } from '../support/memory-ports.ts'

export const settings: ForwarderSettings = {
  node: 'gw-0',
  topic: 'ocpp-events-up',
  bytesMax: 1_000_000,
  batchRecordsMax: 500,
  batchBytesMax: 500_000,
  sendsPerS: 400,
  sendsBurst: 64,
  ackStallMs: 90_000
}

export function eventOf(chargePoint: number, n: number, padding = 0): LogEntry {
  const chargePointId = `CP-${chargePoint}`
  const event = {
    specversion: '1.0',
    id: `019ab3c4-7c1e-7f00-8a3b-${String(n).padStart(12, '0')}`,
    source: `/charge-points/${chargePointId}`,
    type: 'data_transfer.received',
    subject: chargePointId,
    partitionkey: chargePointId,
    time: '2026-11-23T10:00:00.123Z',
    datacontenttype: 'application/json',
    node: 'gw-0',
    ocppversion: '1.6',
    ocppaction: 'DataTransfer',
    ocppmessageid: `m-${n}`,
    epoch: 217591200,
    sequence: `0217591200-${String(n).padStart(10, '0')}`,
    data: { vendorId: 'Zähler', n, padding: 'x'.repeat(padding) }
  }
  return { chargePointId, type: event.type, text: JSON.stringify(event), changes: [] }
}

/** Counts by name; what was observed and asked is not kept. */
export function countingMetrics(): Metrics & {
  readonly counts: Map<string, number>
  readonly gauges: Map<string, () => number>
} {
  const counts = new Map<string, number>()
  const gauges = new Map<string, () => number>()
  return {
    counts,
    gauges,
    counter: (name) => ({ inc: (n = 1) => counts.set(name, (counts.get(name) ?? 0) + n) }),
    gauge: (name, _labels, value) => gauges.set(name, value),
    histogram: (name) => ({ observe: () => counts.set(name, (counts.get(name) ?? 0) + 1) })
  }
}

/** A log, a store and a topic that outlive the forwarders over them. */
export class ForwarderWorld {
  clock = new FakeClock()
  readonly log: MemoryEventLog
  readonly store = new MemoryStore()
  topic: FakeTopic
  sink: FakeSink
  forwarder: Forwarder
  readonly logger = memoryLogger()
  readonly metrics = countingMetrics()
  readonly settings: { -readonly [Key in keyof ForwarderSettings]: ForwarderSettings[Key] }
  answeredLocally: (position: number) => boolean = () => false
  #n = 0

  constructor(partitions: number, changed: Partial<ForwarderSettings> = {}) {
    this.settings = { ...settings, ...changed }
    this.log = new MemoryEventLog(this.clock, ['$forwarder'])
    this.topic = new FakeTopic(partitions)
    this.sink = new FakeSink(this.topic, this.clock.now())
    this.forwarder = this.#make()
  }

  #make(): Forwarder {
    return new Forwarder({
      settings: this.settings,
      log: this.log,
      store: this.store,
      sink: this.sink,
      clock: this.clock,
      logger: this.logger,
      metrics: this.metrics,
      answeredLocally: (position) => this.answeredLocally(position)
    })
  }

  async start(): Promise<this> {
    await this.forwarder.start()
    await settled()
    return this
  }

  /** The process dies and comes again: acknowledgements on their way are lost, and timers. */
  async crash(partitions = this.sink.partitions): Promise<void> {
    this.sink.isDead = true
    this.log.crash()
    this.clock = new FakeClock(this.clock.now())
    this.log.clock = this.clock
    if (partitions !== this.sink.partitions) this.topic = new FakeTopic(partitions)
    const { recordBytesMax, batchBytesMax } = this.sink
    this.sink = Object.assign(new FakeSink(this.topic, this.clock.now()), { recordBytesMax, batchBytesMax })
    this.forwarder = this.#make()
    await this.start()
  }

  /** One event of each charge point named, in one append. */
  async append(...chargePoints: readonly number[]): Promise<number> {
    return this.log.append(chargePoints.map((chargePoint) => eventOf(chargePoint, ++this.#n)))
  }

  async appendPadded(chargePoint: number, padding: number): Promise<number> {
    return this.log.append([eventOf(chargePoint, ++this.#n, padding)])
  }

  /** Time passes in steps, and everything that waits for nothing else happens. */
  async pass(ms: number, stepMs = 100): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.advance(Math.min(stepMs, left))
      await settled()
    }
  }

  /** Numbers of the events in a partition, as they came. */
  numbers(partition: number): number[] {
    return (this.topic.partitions[partition] ?? []).map(numberOf)
  }

  get total(): number {
    return this.topic.partitions.reduce((sum, records) => sum + records.length, 0)
  }
}

export function numberOf({ headers }: SinkRecord): number {
  return Number(headers.ce_id?.slice(-12))
}

export async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await setImmediate()
}

/** Numbers from the first to the last. */
export function count(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}
