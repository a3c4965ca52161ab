import { Consumer, ListOffsetTimestamps, MessagesStreamModes } from '@platformatic/kafka'
import { withAdmin } from '../support/kafka-records.ts'

/** A record as it stands in the topic. */
export interface TopicRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: string
  readonly eventId: string
}

let readers = 0

/** Reads a topic on from where it came the last time, with a client of its own and no code of the gateway. */
export class TopicReader {
  readonly #brokers: readonly string[]
  readonly #topic: string
  readonly #next = new Map<number, number>()

  constructor(brokers: readonly string[], topic: string) {
    this.#brokers = brokers
    this.#topic = topic
  }

  /** What came since the last time, each partition in its order. */
  async readOn(take: (record: TopicRecord) => void): Promise<void> {
    const ends = await endOffsets(this.#brokers, this.#topic)
    const left = new Set([...ends].filter(([partition, end]) => this.#nextOf(partition) < end).map(([p]) => p))
    if (left.size === 0) return
    const clientId = `chaos-reader-${process.pid}-${++readers}`
    const consumer = new Consumer({
      clientId,
      groupId: clientId,
      bootstrapBrokers: [...this.#brokers],
      autocommit: false,
      maxWaitTime: 200
    })
    try {
      const stream = await consumer.consume({
        topics: [this.#topic],
        mode: MessagesStreamModes.MANUAL,
        offsets: [...ends.keys()].map((partition) => ({
          topic: this.#topic,
          partition,
          offset: BigInt(this.#nextOf(partition))
        }))
      })
      for await (const { partition, offset, key, value, headers } of stream) {
        const at = Number(offset)
        if (at < this.#nextOf(partition)) continue
        this.#next.set(partition, at + 1)
        const [, eventId] = [...headers].find(([name]) => String(name) === 'ce_id') ?? []
        take({ partition, offset: at, key: String(key), value: String(value), eventId: String(eventId) })
        if (at + 1 >= (ends.get(partition) ?? 0)) left.delete(partition)
        if (left.size === 0) break
      }
    } finally {
      await consumer.close(true)
    }
  }

  #nextOf(partition: number): number {
    return this.#next.get(partition) ?? 0
  }
}

async function endOffsets(brokers: readonly string[], topic: string): Promise<Map<number, number>> {
  return await withAdmin(brokers, async (admin) => {
    const found = (await admin.metadata({ topics: [topic] })).topics.get(topic)
    const partitions = Array.from({ length: found?.partitionsCount ?? 0 }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: ListOffsetTimestamps.LATEST
    }))
    const [answer] = await admin.listOffsets({ topics: [{ name: topic, partitions }] })
    return new Map((answer?.partitions ?? []).map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]))
  })
}
