import type { LogEntry, LogRecord } from '../../ports/event-log.ts'

/**
 * A chunk is one LMDB record that holds consecutive events, keyed by the position of the first. It is filled up to one
 * page, so that a batch costs a put per page and not per event, and so that every page of the log can be reused by any
 * other: LMDB never has to look for a run of free pages, save for an event that is larger than a page by itself.
 *
 * Header: u8 format, 3 spare, u32 count, f64 bytes of the log before this chunk, f64 appendedAtMs of the last event.
 * Then for each event: f64 appendedAtMs, u16 bytes of the id, u16 of the type, u32 of the text, and the three as UTF-8.
 */
const format = 1
const headerBytes = 24
const entryHeaderBytes = 16
/** What fits on one LMDB page of 4 KiB with the page's own header. */
export const chunkBytesMax = 4_080
const pageBytes = 4_096
/** LMDB keeps a value up to about this size inside a leaf page; a larger one gets pages of its own. */
const inlineBytesMax = 2_000
/** Key, node header and the leaf's share of the tree above it. */
const recordOverheadBytes = 40

export interface Chunk {
  readonly firstPosition: number
  readonly lastPosition: number
  /** What the log held before this chunk since it was made: the difference of two is what lies between them. */
  readonly bytesBefore: number
  readonly appendedAtMs: number
  /** What the chunk takes on disk, nearly. */
  readonly bytes: number
}

export interface EncodedChunk extends Chunk {
  readonly value: Buffer
}

export interface Arrival {
  readonly entry: LogEntry
  readonly appendedAtMs: number
}

/** Upper bound of an entry's encoded bytes: no UTF-16 unit takes more than three bytes of UTF-8. */
function bytesBound({ chargePointId, type, text }: LogEntry): number {
  return entryHeaderBytes + 3 * (chargePointId.length + type.length + text.length)
}

/** Nearly what an entry will take in the log, without encoding it. */
export function estimateBytes({ chargePointId, type, text }: LogEntry): number {
  return entryHeaderBytes + chargePointId.length + type.length + text.length
}

function diskBytes(valueBytes: number): number {
  if (valueBytes <= inlineBytesMax) return valueBytes + recordOverheadBytes
  return Math.ceil((valueBytes + 16) / pageBytes) * pageBytes + recordOverheadBytes
}

function writeEntry(target: Buffer, start: number, { entry, appendedAtMs }: Arrival): number {
  let offset = start + entryHeaderBytes
  const idBytes = target.write(entry.chargePointId, offset)
  offset += idBytes
  const typeBytes = target.write(entry.type, offset)
  offset += typeBytes
  const textBytes = target.write(entry.text, offset)
  target.writeDoubleLE(appendedAtMs, start)
  target.writeUInt16LE(idBytes, start + 8)
  target.writeUInt16LE(typeBytes, start + 10)
  target.writeUInt32LE(textBytes, start + 12)
  return offset + textBytes
}

/**
 * Encodes `arrivals` into chunks from `firstPosition` on. All values lie in one buffer that belongs to the batch: the
 * thread that writes them reads it while the batch is committed, and again when a failed commit is repeated.
 */
export function encodeChunks(arrivals: readonly Arrival[], firstPosition: number, bytesBefore: number): EncodedChunk[] {
  let bound = 0
  for (const { entry } of arrivals) bound += headerBytes + bytesBound(entry)
  const target = Buffer.allocUnsafeSlow(bound)
  const chunks: EncodedChunk[] = []
  let start = 0
  let end = headerBytes
  let first = 0
  let before = bytesBefore
  const finish = (until: number): void => {
    const appendedAtMs = arrivals[until - 1]?.appendedAtMs ?? 0
    target.writeUInt32LE(format, start)
    target.writeUInt32LE(until - first, start + 4)
    target.writeDoubleLE(before, start + 8)
    target.writeDoubleLE(appendedAtMs, start + 16)
    const bytes = diskBytes(end - start)
    chunks.push({
      firstPosition: firstPosition + first,
      lastPosition: firstPosition + until - 1,
      bytesBefore: before,
      appendedAtMs,
      bytes,
      value: target.subarray(start, end)
    })
    before += bytes
  }
  for (const [index, arrival] of arrivals.entries()) {
    let next = writeEntry(target, end, arrival)
    if (next - start > chunkBytesMax && index > first) {
      finish(index)
      // The entry that did not fit begins the next chunk: it moves by the header that now stands before it.
      target.copyWithin(end + headerBytes, end, next)
      start = end
      first = index
      next += headerBytes
    }
    end = next
  }
  finish(arrivals.length)
  return chunks
}

/** The facts of a stored chunk, without its events. */
export function decodeChunk(firstPosition: number, value: Buffer): Chunk {
  return {
    firstPosition,
    lastPosition: firstPosition + value.readUInt32LE(4) - 1,
    bytesBefore: value.readDoubleLE(8),
    appendedAtMs: value.readDoubleLE(16),
    bytes: diskBytes(value.length)
  }
}

/** Hands each event after position `after` to `take`, in order, until it returns false. */
export function decodeEvents(
  firstPosition: number,
  value: Buffer,
  after: number,
  take: (record: LogRecord, bytes: number) => boolean
): boolean {
  const count = value.readUInt32LE(4)
  let offset = headerBytes
  for (let index = 0; index < count; index++) {
    const idEnd = offset + entryHeaderBytes + value.readUInt16LE(offset + 8)
    const typeEnd = idEnd + value.readUInt16LE(offset + 10)
    const end = typeEnd + value.readUInt32LE(offset + 12)
    const position = firstPosition + index
    if (position > after) {
      const record = {
        position,
        appendedAtMs: value.readDoubleLE(offset),
        chargePointId: value.toString('utf8', offset + entryHeaderBytes, idEnd),
        type: value.toString('utf8', idEnd, typeEnd),
        text: value.toString('utf8', typeEnd, end)
      }
      if (!take(record, end - offset)) return false
    }
    offset = end
  }
  return true
}
