import { deepStrictEqual, strictEqual } from 'node:assert'
import type { Kafka } from '../../scripts/services/kafka/kafka.ts'
import { GatewayError } from '../../src/lib/gateway-error.ts'
import type { EventSink } from '../../src/ports/event-sink.ts'
import { readTopicWithJava } from './kafka-records.ts'

/** Sends numbered records into every partition, as the forwarder does: one send each, on from what was acknowledged. */
export class NumberedStream {
  readonly acked: number[]
  /** Sends that were given back and sent again. */
  repeats = 0
  #running = true
  readonly #loops: Promise<void>[]

  constructor(sink: EventSink, batchSize = 20) {
    this.acked = Array.from({ length: sink.partitions }, () => 0)
    this.#loops = this.acked.map(async (_, partition) => {
      while (this.#running) {
        const from = this.acked[partition] ?? 0
        const records = Array.from({ length: batchSize }, (_, n) => ({
          key: `CP-${partition}`,
          value: String(from + n),
          headers: { ce_id: `${partition}-${from + n}` }
        }))
        try {
          await sink.send(partition, records)
          this.acked[partition] = from + batchSize
        } catch (error) {
          if (!(error instanceof GatewayError) || error.code !== 'sink_restarted') throw error
          this.repeats++
        }
      }
    })
  }

  get total(): number {
    return this.acked.reduce((sum, count) => sum + count, 0)
  }

  /** Sends no more; resolves when everything is acknowledged. */
  async end(): Promise<void> {
    this.#running = false
    await Promise.all(this.#loops)
  }

  /** Nothing missing, in order, and nothing twice but what was given back, as Kafka's own Java consumer sees it. */
  async check(kafka: Kafka, topic: string): Promise<{ readonly twice: number }> {
    const seen = this.acked.map(() => new Set<number>())
    const inOrder = this.acked.map(() => [] as number[])
    let twice = 0
    for (const { partition, value } of await readTopicWithJava(kafka, topic)) {
      const known = seen[partition]
      if (known?.has(Number(value))) twice++
      else inOrder[partition]?.push(Number(value))
      known?.add(Number(value))
    }
    for (const [partition, count] of this.acked.entries())
      deepStrictEqual(
        inOrder[partition],
        Array.from({ length: count }, (_, n) => n),
        `partition ${partition}`
      )
    if (this.repeats === 0) strictEqual(twice, 0, 'nothing twice')
    return { twice }
  }
}
