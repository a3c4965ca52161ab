import assert from 'node:assert'
import type { Clock } from '../../ports/clock.ts'
import type { ControlWrite } from './batch.ts'
import type { Store } from './store.ts'
import { metaTag, taggedKey } from './tables.ts'

/** Ids taken from disk at once. Below this many left, the next block is fetched. */
const blockIds = 1_000
const refillBelow = 500
const idMax = 2 ** 31 - 1
const counterKey = taggedKey(metaTag, 'transactionIds')

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
  #refill: Promise<void> | undefined

  constructor(store: Store, clock: Clock, commit: (rows: ControlWrite['rows']) => Promise<void>) {
    this.#clock = clock
    this.#commit = commit
    this.#reserved = Number(store.state.get(counterKey)?.toString() ?? 1)
  }

  next(): number | Promise<number> {
    const id = this.#take()
    if (this.#left() < refillBelow) this.#refillSoon()
    return id ?? this.#wait()
  }

  /** Puts a block on disk. */
  async reserve(): Promise<void> {
    const next = Math.max(this.#reserved, 2 * secondsSince2020(this.#clock.now()), 1)
    const end = next + blockIds
    assert(end <= idMax, 'OCPP 1.6 transaction ids are used up')
    this.#reserved = end
    await this.#commit([{ key: counterKey, value: Buffer.from(String(end)) }])
    this.#blocks.push({ next, end })
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

  #refillSoon(): Promise<void> {
    this.#refill ??= this.reserve().finally(() => {
      this.#refill = undefined
    })
    // Who waits for an id sees the failure; a refill ahead of need is simply tried again by the next call.
    this.#refill.catch(() => undefined)
    return this.#refill
  }

  async #wait(): Promise<number> {
    for (;;) {
      await this.#refillSoon()
      const id = this.#take()
      if (id !== undefined) return id
    }
  }
}
