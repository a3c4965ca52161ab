import { setTimeout as delay } from 'node:timers/promises'
import { TopicReader, type TopicRecord } from '../../test/chaos/topic-reader.ts'
import { countRecords } from '../../test/support/kafka-records.ts'

const pollMs = 50

/** Waits until a topic holds so many records, and tells when that was. */
export async function untilRecords(
  brokers: readonly string[],
  topic: string,
  wanted: number,
  deadlineMs: number
): Promise<number> {
  const endMs = performance.now() + deadlineMs
  for (;;) {
    const count = await countRecords(brokers, topic)
    if (count >= wanted) return performance.now()
    if (performance.now() > endMs) throw new Error(`${topic} has ${count} of ${wanted} records after ${deadlineMs} ms`)
    await delay(pollMs)
  }
}

/**
 * Reads all of a topic with a client of its own. A bench that only looks at answers can run green while nothing is published
 * (B5), so that each suite fails unless what was answered stands here, once.
 */
export class TopicCheck {
  readonly ids = new Set<string>()
  records = 0
  readonly #reader: TopicReader
  readonly #topic: string
  readonly #take: (record: TopicRecord) => void

  constructor(brokers: readonly string[], topic: string, take: (record: TopicRecord) => void = () => undefined) {
    this.#reader = new TopicReader(brokers, topic)
    this.#topic = topic
    this.#take = take
  }

  async readOn(): Promise<void> {
    await this.#reader.readOn((record) => {
      this.records++
      this.ids.add(record.eventId)
      this.#take(record)
    })
  }

  /** Fails unless the topic holds exactly so many events, none of them twice. */
  async expect(events: number): Promise<void> {
    await this.readOn()
    if (this.ids.size !== events || this.records !== events)
      throw new Error(`${this.#topic} should hold ${events} events and has ${this.ids.size} in ${this.records} records`)
  }
}
