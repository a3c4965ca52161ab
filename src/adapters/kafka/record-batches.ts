import { Buffer } from 'node:buffer'

/** A `SinkRecord`, or a record whose bytes may be no text and whose key may be missing. */
export interface WireRecord {
  readonly key?: string | Uint8Array
  readonly value: string | Uint8Array
  readonly headers: Readonly<Record<string, string | Uint8Array>>
}

/** What Kafka's format adds at most: to a batch; to a record; to a header. The numbers are varints of up to 5 or 10 bytes. */
const batchOverheadBytes = 61
const recordOverheadBytes = 5 + 1 + 10 + 5 + 5 + 5 + 5
const headerOverheadBytes = 5 + 5
/** Room for the own overhead of a record, its headers and the compression of what cannot be compressed. */
const reserveBytes = 1024

/** The largest record of a topic whose batches may have `maxMessageBytes` (`max.message.bytes` bounds the batch). */
export function recordBytesMaxOf(maxMessageBytes: number): number {
  return Math.max(maxMessageBytes - reserveBytes - Math.floor(maxMessageBytes / 100), 1)
}

/** Bytes of key, value and headers: what is compared with `recordBytesMax`. */
export function recordBytes(record: WireRecord): number {
  let bytes = Buffer.byteLength(record.key ?? '') + Buffer.byteLength(record.value)
  for (const name in record.headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(record.headers[name] ?? '')
  return bytes
}

/** Bytes on the wire, never less than it will be before compression. */
function wireBytes(record: WireRecord): number {
  return recordOverheadBytes + Object.keys(record.headers).length * headerOverheadBytes + recordBytes(record)
}

/** Cut into batches of at most `batchBytesMax`, in order. A record that is larger by itself is a batch of one. */
export function* batchesOf(records: readonly WireRecord[], batchBytesMax: number): Generator<readonly WireRecord[]> {
  let from = 0
  let bytes = batchOverheadBytes
  for (let at = 0; at < records.length; at++) {
    const size = wireBytes(records[at] as WireRecord)
    if (at > from && bytes + size > batchBytesMax) {
      yield records.slice(from, at)
      from = at
      bytes = batchOverheadBytes
    }
    bytes += size
  }
  if (from < records.length) yield records.slice(from)
}
