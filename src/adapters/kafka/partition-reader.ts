import {
  Consumer,
  FetchIsolationLevels,
  type FetchIsolationLevelValue,
  ListOffsetTimestamps,
  type RecordsBatch
} from '@platformatic/kafka'
import { committedBatches, type RolledBack } from './committed-batches.ts'
import { clientOptions, type KafkaConnection, letGo } from './connection-options.ts'
import { partsOf, saysBroker } from './faults.ts'

/** A record as it lies in the topic. */
export interface TopicRecord {
  readonly partition: number
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly (readonly [name: Uint8Array | null, value: Uint8Array | null])[]
}

export interface FetchedPartition {
  readonly records: readonly TopicRecord[]
  /** Where to read on: also past what is not a record, such as the marks of transactions. */
  readonly nextOffset: bigint
}

export interface Leaders {
  /** The partitions that each broker leads. Without a leader a partition is left out. */
  readonly byNode: ReadonlyMap<number, readonly number[]>
  /** How many the topic has. */
  readonly partitions: number
  /** The topic was deleted and made anew since the reader asked first: no offset of it means anything any more. */
  readonly isAnother: boolean
}

/** Of one topic, as it is when the reader first asks: of another one under the same name it fetches nothing. */
export interface PartitionReader {
  leaders(): Promise<Leaders>
  /** Waits up to a second for records behind these offsets, all of partitions led by `node`. */
  fetch(node: number, offsets: ReadonlyMap<number, bigint>): Promise<Map<number, FetchedPartition>>
  /** Of each partition the offset of the oldest record, or of the next that will be written. */
  bounds(partitions: readonly number[], which: 'earliest' | 'latest'): Promise<Map<number, bigint>>
  /** What brokers said of the topic may be old: ask again. */
  forget(): void
  close(): void
}

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>

/** What one partition answered to a fetch, in the order of the log. */
interface PartitionBatches {
  readonly batches: readonly RecordsBatch[]
  readonly aborted: readonly RolledBack[]
}

const fetchWaitMs = 1000
const fetchBytesMax = 4 * 1024 * 1024
const partitionBytesMax = 1024 * 1024

/**
 * Reads partitions at offsets that the caller keeps. The library's own stream keeps offsets across rebalances, ends without
 * a word when a coordinator is lost, and cannot say which generation asked for a record.
 */
export function createPartitionReader(connection: KafkaConnection, group: string, topic: string): PartitionReader {
  // Never joins; its connections are apart from the member's, whose heartbeats must not wait behind a fetch.
  const consumer = new Consumer({ ...clientOptions(connection), groupId: group, retries: 0 })
  consumer.topics.track(topic)

  let topicId: string | undefined

  const describe = async () => {
    const metadata = await consumer.metadata({ topics: [topic] })
    const described = metadata.topics.get(topic)
    if (!described) throw new Error(`Unknown topic ${topic}.`)
    topicId ??= described.id
    return { ...described, topicId }
  }

  const ask = async (
    node: number,
    offsets: ReadonlyMap<number, bigint>,
    isolationLevel: FetchIsolationLevelValue
  ): Promise<ReadonlyMap<number, PartitionBatches>> => {
    const described = await describe()
    const partitions = [...offsets].map(([partition, fetchOffset]) => ({
      partition,
      fetchOffset,
      partitionMaxBytes: partitionBytesMax,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1
    }))
    const { responses } = await consumer.fetch({
      node,
      topics: [{ topicId: described.topicId, partitions }],
      isolationLevel,
      minBytes: 1,
      maxBytes: fetchBytesMax,
      maxWaitTime: fetchWaitMs
    })
    const answered = responses.flatMap((response) => response.partitions)
    return new Map(
      answered.map(({ partitionIndex, records, abortedTransactions }) => [
        partitionIndex,
        { batches: records ?? [], aborted: abortedTransactions ?? [] }
      ])
    )
  }

  return {
    async leaders() {
      const { id, topicId: first, partitions, partitionsCount } = await describe()
      const byNode = new Map<number, number[]>()
      for (const [partition, { leader }] of partitions.entries()) {
        if (leader < 0) continue
        const led = byNode.get(leader)
        if (led) led.push(partition)
        else byNode.set(leader, [partition])
      }
      return { byNode, partitions: partitionsCount, isAnother: id !== first }
    },
    async fetch(node, offsets) {
      const answered = await ask(node, offsets, FetchIsolationLevels.READ_COMMITTED)
      const withRollbacks = [...offsets].filter(([partition]) => answered.get(partition)?.aborted.length)
      // The client leaves out what was rolled back, but heeds one transaction of each producer alone: others it lets through, and
      // up to the mark of an empty one it takes away what was committed. So where there are any, what is in the log is asked for as it is.
      const unfiltered =
        withRollbacks.length === 0
          ? undefined
          : await ask(node, new Map(withRollbacks), FetchIsolationLevels.READ_UNCOMMITTED)
      const fetched = new Map<number, FetchedPartition>()
      for (const [partition, { batches, aborted }] of answered) {
        const from = offsets.get(partition)
        const last = batches.at(-1)
        if (from === undefined || !last) continue
        // What the first answer says of transactions goes as far as its batches.
        const logged =
          aborted.length === 0
            ? batches
            : unfiltered?.get(partition)?.batches.filter(({ firstOffset }) => firstOffset <= last.firstOffset)
        fetched.set(partition, recordsOf(partition, from, { batches: logged ?? [], aborted }))
      }
      return fetched
    },
    async bounds(partitions, which) {
      const timestamp = which === 'earliest' ? ListOffsetTimestamps.EARLIEST : ListOffsetTimestamps.LATEST
      const found = await consumer.listOffsets({ topics: [topic], partitions: { [topic]: [...partitions] }, timestamp })
      const offsets = new Map<number, bigint>()
      for (const partition of partitions) {
        const offset = found.get(topic)?.[partition]
        if (offset !== undefined) offsets.set(partition, offset)
      }
      return offsets
    },
    forget: () => consumer.clearMetadata(),
    close: () => letGo({ close: (callback) => consumer.close(true, callback) })
  }
}

/** Partitions whose wanted offset was trimmed away, as a broker's refusal of a fetch names them. */
export function outOfRange(error: unknown): number[] {
  if (!saysBroker(error, 'OFFSET_OUT_OF_RANGE')) return []
  const response = partsOf(error).find((part) => part.response !== undefined)?.response as FetchResponse | undefined
  return (response?.responses ?? []).flatMap(({ partitions }) =>
    partitions.filter(({ errorCode }) => errorCode === 1).map(({ partitionIndex }) => partitionIndex)
  )
}

/** Those of one partition, from the wanted offset on. */
function recordsOf(partition: number, from: bigint, { batches, aborted }: PartitionBatches): FetchedPartition {
  const records: TopicRecord[] = []
  for (const batch of committedBatches(batches, aborted)) {
    for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
      const offset = batch.firstOffset + BigInt(offsetDelta)
      // A batch comes whole, also when only its end was asked for.
      if (offset < from) continue
      const timestampMs = Number(batch.firstTimestamp + timestampDelta)
      records.push({ partition, offset, timestampMs, key, value, headers })
    }
  }
  const last = batches.at(-1)
  const nextOffset = last ? last.firstOffset + BigInt(last.lastOffsetDelta) + 1n : from
  return { records, nextOffset: nextOffset > from ? nextOffset : from }
}
