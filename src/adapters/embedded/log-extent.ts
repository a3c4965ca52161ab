import { randomUUID } from 'node:crypto'
import type { Trim } from './batch.ts'
import { type Chunk, decodeChunk, type EncodedChunk } from './chunk.ts'
import type { Store } from './store.ts'

/** Chunks that one transaction removes at most, so that trimming never stalls what is appended. */
export const trimChunksMax = 256

interface Head {
  readonly id: string
  /** Where the log stood when chunks were last removed: it may be empty since. */
  readonly lastPosition: number
  readonly bytesTotal: number
}

/**
 * What the log holds on disk: from the oldest position to the last, and how many bytes. Key 0 keeps the head, so that
 * an emptied log goes on where it was (and LMDB's table is never empty: lmdb-js has crashed on that).
 */
export class LogExtent {
  readonly id: string
  readonly #store: Store
  #oldest: number
  #last: number
  /** Bytes of all chunks ever written, and of those that were removed. */
  #bytesTotal: number
  #bytesRemoved: number
  /** The oldest chunks on disk, read ahead. */
  #ahead: Chunk[] = []

  constructor(store: Store) {
    this.#store = store
    const head = readHead(store.log)
    this.id = head?.id ?? randomUUID()
    this.#last = head?.lastPosition ?? 0
    this.#bytesTotal = head?.bytesTotal ?? 0
    for (const { key, value } of store.log.getRange({
      start: Number.MAX_SAFE_INTEGER,
      end: 0,
      reverse: true,
      limit: 1
    })) {
      const newest = decodeChunk(key, value)
      this.#last = newest.lastPosition
      this.#bytesTotal = newest.bytesBefore + newest.bytes
    }
    const [oldest] = this.#readAhead(1)
    this.#oldest = oldest?.firstPosition ?? this.#last + 1
    this.#bytesRemoved = oldest?.bytesBefore ?? this.#bytesTotal
  }

  get oldest(): number {
    return this.#oldest
  }

  get last(): number {
    return this.#last
  }

  get bytes(): number {
    return this.#bytesTotal - this.#bytesRemoved
  }

  get bytesTotal(): number {
    return this.#bytesTotal
  }

  /** The head as it will be once this log has been made; a new log is stored with it. */
  encodeHead(): Buffer {
    const head: Head = { id: this.id, lastPosition: this.#last, bytesTotal: this.#bytesTotal }
    return Buffer.from(JSON.stringify(head))
  }

  /** The oldest chunks as long as `remove` says so, at most `trimChunksMax`; undefined when there is none. */
  plan(remove: (chunk: Chunk, bytesLeft: number) => boolean): Trim | undefined {
    if (this.#ahead.length === 0) this.#ahead = this.#readAhead(trimChunksMax)
    const chunks: Chunk[] = []
    let bytesLeft = this.bytes
    for (const chunk of this.#ahead) {
      if (!remove(chunk, bytesLeft)) break
      chunks.push(chunk)
      bytesLeft -= chunk.bytes
    }
    return chunks.length > 0 ? { chunks, head: this.encodeHead() } : undefined
  }

  /** The oldest chunk on disk. */
  first(): Chunk | undefined {
    if (this.#ahead.length === 0) this.#ahead = this.#readAhead(trimChunksMax)
    return this.#ahead[0]
  }

  removed({ chunks }: Trim): number {
    const newest = chunks.at(-1)
    if (!newest) return 0
    const records = newest.lastPosition - this.#oldest + 1
    this.#oldest = newest.lastPosition + 1
    this.#bytesRemoved = newest.bytesBefore + newest.bytes
    this.#ahead.splice(0, chunks.length)
    return records
  }

  added(chunks: readonly EncodedChunk[]): void {
    const newest = chunks.at(-1)
    if (!newest) return
    this.#last = newest.lastPosition
    this.#bytesTotal = newest.bytesBefore + newest.bytes
  }

  #readAhead(limit: number): Chunk[] {
    const chunks: Chunk[] = []
    for (const { key, value } of this.#store.log.getRange({ start: 1, limit })) chunks.push(decodeChunk(key, value))
    return chunks
  }
}

export function readHead(log: Store['log']): Head | undefined {
  const value = log.get(0)
  return value && JSON.parse(value.toString())
}
