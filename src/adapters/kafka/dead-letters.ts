import { GatewayError } from '../../lib/gateway-error.ts'
import type { SourceRecord } from '../../ports/command-source.ts'
import { KafkaEventSink, type KafkaEventSinkOptions } from './event-sink.ts'
import type { TopicRecord } from './partition-reader.ts'
import { recordBytes, type WireRecord } from './record-batches.ts'

export interface DeadLetters {
  /** Resolves when the record lies in the topic. A missing topic is waited for. */
  put(record: SourceRecord, original: TopicRecord | undefined, reason: string): Promise<void>
  close(): Promise<void>
}

/** What of a sink dead letters are put into. */
export type DeadLetterSink = Pick<KafkaEventSink, 'open' | 'send' | 'partitionOf' | 'recordBytesMax' | 'close'>

/** Puts records aside, bytes and headers as they came, with why and whence in headers of their own. */
export function createDeadLetters(
  options: KafkaEventSinkOptions,
  sink: DeadLetterSink = new KafkaEventSink(options)
): DeadLetters {
  let last: Promise<void> = Promise.resolve()

  const write = async (record: WireRecord): Promise<void> => {
    // Opened with the first dead letter, so that a topic that nobody needs may be missing.
    await sink.open()
    const partition = record.key === undefined ? 0 : sink.partitionOf(String(record.key))
    let bytesMax = Number.POSITIVE_INFINITY
    for (;;) {
      const letter = fitting(record, Math.min(bytesMax, sink.recordBytesMax))
      try {
        return await sink.send(partition, [letter])
      } catch (error) {
        const code = error instanceof GatewayError ? error.code : undefined
        // Twice in this topic is better than never.
        if (code === 'sink_restarted') continue
        if (code !== 'record_too_large') throw error
        // The topic's limit may be unknown, as to a user who may not ask for it: half of what was refused, down to the own headers.
        bytesMax = Math.floor(recordBytes(letter) / 2)
        if (recordBytes(fitting(record, bytesMax)) >= recordBytes(letter)) throw error
      }
    }
  }

  return {
    put(record, original, reason) {
      const key = original?.key ?? record.key
      const letter: WireRecord = {
        ...(key !== undefined && key !== null && { key }),
        value: original?.value ?? record.value,
        headers: {
          ...originalHeaders(original),
          dead_letter_reason: reason,
          dead_letter_where: record.where,
          dead_letter_timestamp: timeText(record.timestampMs)
        }
      }
      // One after the other: a partition takes one send at a time.
      const done = last.then(() => write(letter))
      last = done.catch(() => undefined)
      return done
    },
    close: async () => {
      // Also when it was never opened: a record that is refused only now would wait for its topic beyond the stop.
      await sink.close()
    }
  }
}

/** A producer may write anything into a timestamp, such as nanoseconds: then it stands as it came. */
function timeText(ms: number): string {
  const time = new Date(ms)
  return Number.isNaN(time.getTime()) ? String(ms) : time.toISOString()
}

function originalHeaders(original: TopicRecord | undefined): Record<string, Uint8Array> {
  const headers: Record<string, Uint8Array> = {}
  for (const [name, value] of original?.headers ?? [])
    if (name !== null && value !== null) headers[Buffer.from(name).toString()] = value
  return headers
}

/** The commands' topic may take larger records than this one: then the start must do, and a header says so. */
function fitting(record: WireRecord, bytesMax: number): WireRecord {
  const bytes = recordBytes(record)
  if (bytes <= bytesMax) return record
  const value = Buffer.from(record.value)
  const { dead_letter_reason, dead_letter_where, dead_letter_timestamp } = record.headers
  const own = { dead_letter_reason, dead_letter_where, dead_letter_timestamp } as WireRecord['headers']
  const headers = { ...own, dead_letter_cut_from_bytes: String(value.byteLength) }
  return { headers, value: value.subarray(0, Math.max(bytesMax - recordBytes({ headers, value: '' }), 0)) }
}
