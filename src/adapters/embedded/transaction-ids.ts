import assert from 'node:assert'
import type { Clock } from '../../ports/clock.ts'
import type { ControlWrite } from './batch.ts'
import { metaTag, taggedKey } from './tables.ts'

/** Ids taken from disk at once. Below this many left, the next block is fetched. */
const blockIds = 1_000
const refillBelow = 500
const idMax = 2 ** 31 - 1
const counterKey = taggedKey(metaTag, 'transactionIds')
const spareKey = taggedKey(metaTag, 'transactionIds.spare')

/** What is on disk. */
export interface IdRows {
  readonly state: { get(key: Buffer): Buffer | undefined }
}

/** Blocks that are unique beyond this node; rejects while they cannot be had. */
export type BlockSource = (count: number, atLeast: number) => Promise<{ readonly first: number; readonly last: number }>

/** Seconds since 2020-01-01 UTC: what epochs and transaction ids never fall behind. */
export function secondsSince2020(nowMs: number): number {
  return Math.floor((nowMs - Date.UTC(2020, 0, 1)) / 1_000)
}

/**
 * OCPP 1.6 transaction ids. The end of a block is on disk before its first id is given away, so no crash brings an id
 * back; and a block begins at no less than two ids a second since 2020, so a lost store does not bring them back either.
 */
export class TransactionIds {
  readonly #clock: Clock
  readonly #commit: (rows: ControlWrite['rows']) => Promise<void>
  /** First id that no block on disk has. */
  #reserved: number
  #blocks: { next: number; readonly end: number }[] = []
  readonly #source: BlockSource | undefined
  /** A block of the source that is on disk and untouched: for a restart while the source is away. */
  #spare: { readonly next: number; readonly end: number } | undefined
  /** The spare is of an earlier life. When its disk was put back from a copy, that life may have used it since. */
  #spareIsInherited = false
  /** The block that is on its way, with what it failed with. */
  #refill: Promise<unknown> | undefined

  constructor(
    store: IdRows,
    clock: Clock,
    commit: (rows: ControlWrite['rows']) => Promise<void>,
    source?: BlockSource
  ) {
    this.#clock = clock
    this.#commit = commit
    this.#source = source
    this.#reserved = Number(store.state.get(counterKey)?.toString() ?? 1)
    const spare = store.state.get(spareKey)?.toString()
    if (!source || !spare) return
    this.#spare = JSON.parse(spare)
    this.#spareIsInherited = true
  }

  /** No block that this node has, or has heard of, reaches so far. */
  get end(): number {
    return this.#reserved
  }

  /** Blocks were given up to `end` by the source: on disk, so that it can be told to a source that has lost its counter. */
  async heard(end: number): Promise<void> {
    if (end <= this.#reserved) return
    this.#reserved = end
    await this.#commit([{ key: counterKey, value: Buffer.from(String(end)) }])
  }

  /** Ids for now, and a block in reserve on disk, so that the node can go on when the source goes away. */
  fill(): void {
    const source = this.#source
    if (this.#left() < refillBelow) void this.#refillSoon()
    else if (source && !this.#spare) this.#refill ??= this.#keepSpare(source).finally(() => this.#refilled())
  }

  next(): number | Promise<number> {
    const id = this.#take()
    if (this.#left() < refillBelow) void this.#refillSoon()
    return id ?? this.#wait()
  }

  /** Puts a block on disk. */
  async reserve(commit = this.#commit): Promise<void> {
    if (this.#source) return this.#reserveFrom(this.#source)
    const next = Math.max(this.#reserved, 2 * secondsSince2020(this.#clock.now()), 1)
    const end = next + blockIds
    assert(end <= idMax, 'OCPP 1.6 transaction ids are used up')
    this.#reserved = end
    await commit([{ key: counterKey, value: Buffer.from(String(end)) }])
    this.#blocks.push({ next, end })
  }

  /** A block for now, and one more to be the next spare. */
  async #reserveFrom(source: BlockSource): Promise<void> {
    this.#blocks.push(await this.#nextBlock(source))
    if (this.#left() >= refillBelow) await this.#keepSpare(source)
  }

  /** The spare one first, and an inherited one only while the source is away; then those of the source. */
  async #nextBlock(source: BlockSource): Promise<{ next: number; readonly end: number }> {
    const spare = this.#spare
    if (!spare) return await this.#fetch(source)
    const fresh = this.#spareIsInherited ? await this.#fetch(source).catch(() => undefined) : undefined
    this.#spareIsInherited = false
    this.#spare = undefined
    await this.#commit([{ key: spareKey, value: null }])
    return fresh ?? { ...spare }
  }

  async #fetch(source: BlockSource): Promise<{ next: number; end: number }> {
    const atLeast = Math.max(this.#reserved, 2 * secondsSince2020(this.#clock.now()), 1)
    const { first, last } = await source(blockIds, atLeast)
    assert(last < idMax, 'OCPP 1.6 transaction ids are used up')
    this.#reserved = Math.max(this.#reserved, last + 1)
    await this.#commit([{ key: counterKey, value: Buffer.from(String(this.#reserved)) }])
    return { next: first, end: last + 1 }
  }

  async #keepSpare(source: BlockSource): Promise<void> {
    try {
      const spare = await this.#fetch(source)
      await this.#commit([{ key: spareKey, value: Buffer.from(JSON.stringify(spare)) }])
      this.#spare = spare
    } catch {
      // The source is away, or the log is being closed: the next refill tries again.
      this.#spare = undefined
    }
  }

  #take(): number | undefined {
    const block = this.#blocks[0]
    if (!block) return undefined
    const id = block.next++
    if (block.next === block.end) this.#blocks.shift()
    return id
  }

  #left(): number {
    return this.#blocks.reduce((sum, { next, end }) => sum + end - next, 0)
  }

  /** Resolves with what it failed with: only who waits for an id has to know, the next call tries again. */
  #refillSoon(): Promise<unknown> {
    this.#refill ??= this.reserve()
      .then(
        () => undefined,
        (error: unknown) => error
      )
      .finally(() => this.#refilled())
    return this.#refill
  }

  #refilled(): void {
    this.#refill = undefined
  }

  async #wait(): Promise<number> {
    for (;;) {
      const error = await this.#refillSoon()
      if (error !== undefined) throw error
      const id = this.#take()
      if (id !== undefined) return id
    }
  }
}
