import { Buffer } from 'node:buffer'
import { type CompressionAlgorithmValue, Producer } from '@platformatic/kafka'
import { clientOptions, type KafkaConnection } from './connection-options.ts'
import { shrink } from './faults.ts'
import type { WireRecord } from './record-batches.ts'

export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const satisfies CompressionAlgorithmValue[]
export type Compression = (typeof compressions)[number]

const retryMsMax = 2000

/**
 * An idempotent producer that never gives up. `onTrouble` hears of every attempt that failed. A send that fails all the same
 * ends this producer: the library then forgets its id and the sequence of every partition, also of those with a send under way.
 */
export function createProducer(
  connection: KafkaConnection,
  compression: Compression,
  onTrouble: (operation: string, error: unknown) => void
): Producer {
  // Sends that wait for the same answer share its error.
  const told = new WeakSet<Error>()
  return new Producer({
    ...clientOptions(connection),
    idempotent: true,
    compression,
    // `retries` stays unset: infinite. After a bounded number the producer's id is gone, and sending again doubles records.
    retryDelay: (_client, operation, attempt, _retries, error) => {
      if (!told.has(error)) {
        onTrouble(operation, error)
        shrink(error)
        told.add(error)
      }
      return Math.min(200 * attempt, retryMsMax) * (0.8 + 0.4 * Math.random())
    }
  })
}

/** All records into one partition with one request. */
export async function produce(
  producer: Producer,
  topic: string,
  partition: number,
  records: readonly WireRecord[]
): Promise<void> {
  await producer.send({
    messages: records.map((record) => ({
      topic,
      partition,
      ...(record.key !== undefined && { key: Buffer.from(record.key) }),
      value: Buffer.from(record.value),
      headers: headersOf(record)
    }))
  })
}

function headersOf(record: WireRecord): Map<Buffer, Buffer> {
  const headers = new Map<Buffer, Buffer>()
  for (const name in record.headers) headers.set(Buffer.from(name), Buffer.from(record.headers[name] ?? ''))
  return headers
}
