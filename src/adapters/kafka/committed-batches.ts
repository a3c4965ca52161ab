import type { RecordsBatch } from '@platformatic/kafka'

/** A transaction that was rolled back, as brokers tell of it when READ_COMMITTED is asked for. */
export interface RolledBack {
  readonly producerId: bigint
  /** Of its first record in the partition. It ends with the producer's next abort mark. */
  readonly firstOffset: bigint
}

/** Bits of a batch's `attributes`. [Kafka protocol, record batch] */
const transactionalBit = 1 << 4
const controlBit = 1 << 5
/** `type` in the key of a control record, behind its `version`; the other one is a commit. */
const abortType = 0

/**
 * Of the batches of one partition, in the order of the log, those that count: no marks of transactions, and nothing of one that
 * was rolled back. `aborted` lists all that begin before the end of the last batch and end behind the begin of the first.
 */
export function committedBatches(
  batches: readonly RecordsBatch[],
  aborted: readonly RolledBack[]
): readonly RecordsBatch[] {
  const upcoming = aborted.toSorted((a, b) => Number(a.firstOffset - b.firstOffset))
  const rollingBack = new Set<bigint>()
  return batches.filter((batch) => {
    const lastOffset = batch.firstOffset + BigInt(batch.lastOffsetDelta)
    while (upcoming[0] && upcoming[0].firstOffset <= lastOffset)
      rollingBack.add((upcoming.shift() as RolledBack).producerId)
    if ((batch.attributes & controlBit) !== 0) {
      if (batch.records[0]?.key?.readInt16BE(2) === abortType) rollingBack.delete(batch.producerId)
      return false
    }
    return (batch.attributes & transactionalBit) === 0 || !rollingBack.has(batch.producerId)
  })
}
