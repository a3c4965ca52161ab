import type { Clock } from '../ports/clock.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { Logger } from '../ports/logger.ts'
import type { NodeStore } from '../ports/node-store.ts'
import { keyOf, type StoreChange } from '../ports/records.ts'

/** The consumer of the log that the forwarder is. It must be among the required ones, so that it holds the log. */
export const forwarderConsumer = '$forwarder'

export interface ForwardPositions {
  /** Every event up to here is acknowledged, whatever its partition. */
  readonly lowWater: number
  /** By partition. */
  readonly acked: readonly number[]
}

export interface ForwardCursorDeps {
  readonly log: EventLog
  readonly store: NodeStore
  readonly clock: Clock
  readonly logger: Logger
  readonly topic: string
  readonly intervalMs: number
  readonly positions: () => ForwardPositions
}

/**
 * Keeps how far the bus has the log. The low-water mark is a consumer of the log and is written whatever the log's state, for
 * the log cannot be trimmed without it; the positions per partition only spare repeats after a restart and are never
 * waited for, since a full log holds them up.
 */
export class ForwardCursor {
  readonly #deps: ForwardCursorDeps
  #lowWater = 0
  #stored: number[] = []
  #cancelTimer: (() => void) | undefined
  #putting: Promise<void> | undefined
  #committing: Promise<void> | undefined
  #moved = false
  #closed = false

  constructor(deps: ForwardCursorDeps) {
    this.#deps = deps
  }

  /** Where an earlier life came to; the oldest kept when there was none. */
  lowWater(): number {
    const { log, logger } = this.#deps
    const oldest = log.range().oldest
    const kept = log.consumer(forwarderConsumer)?.position
    if (kept !== undefined && kept < oldest - 1)
      logger.error(
        { from: kept + 1, to: oldest - 1 },
        'events were removed from the log before they were forwarded: it was not held while the gateway ran without its bus'
      )
    this.#lowWater = Math.max(kept ?? 0, oldest - 1)
    return this.#lowWater
  }

  /** By partition, never below the low-water mark; that alone when the topic or its partitions are others than before. */
  acked(partitions: number): number[] {
    const { store, topic } = this.#deps
    this.#stored = Array.from({ length: partitions }, (_, partition) => {
      const row = store.get('forwarded', keyOf.forwarded(partition))
      const isOurs = row?.topic === topic && row.partitions === partitions
      return isOurs ? Math.max(row.position, this.#lowWater) : this.#lowWater
    })
    return [...this.#stored]
  }

  /** Something was acknowledged: written soon, together with what follows. */
  moved(): void {
    this.#moved = true
    if (this.#closed || this.#cancelTimer) return
    this.#cancelTimer = this.#deps.clock.after(this.#deps.intervalMs, () => {
      this.#cancelTimer = undefined
      if (this.#moved) this.#write()
    })
  }

  /** Write what is known now; resolves when the low-water mark is on disk. The positions per partition may follow. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTimer?.()
    await this.#putting
    this.#write()
    await this.#putting
  }

  #write(): void {
    if (this.#putting) return
    this.#moved = false
    const { lowWater, acked } = this.#deps.positions()
    if (lowWater > this.#lowWater) this.#put(lowWater)
    // One that a full log holds up is followed by the newest positions, not by all that were skipped.
    if (this.#committing) this.#moved = true
    else this.#commit(lowWater, acked)
  }

  #put(lowWater: number): void {
    const { log } = this.#deps
    this.#putting = log.putConsumer(forwarderConsumer, lowWater).then(
      () => {
        this.#lowWater = lowWater
        this.#putting = undefined
        if (this.#moved) this.moved()
      },
      (error: unknown) => {
        this.#putting = undefined
        this.#failed(error)
      }
    )
  }

  #commit(lowWater: number, acked: readonly number[]): void {
    const { store, topic } = this.#deps
    const changes: StoreChange[] = []
    for (const [partition, position] of acked.entries()) {
      if (position <= lowWater || position === this.#stored[partition]) continue
      const value = { topic, partition, partitions: acked.length, position }
      changes.push({ table: 'forwarded', key: keyOf.forwarded(partition), value })
      this.#stored[partition] = position
    }
    if (changes.length === 0) return
    this.#committing = store.commit(changes).then(
      () => {
        this.#committing = undefined
        if (this.#moved) this.moved()
      },
      (error: unknown) => {
        this.#committing = undefined
        this.#failed(error)
      }
    )
  }

  #failed(error: unknown): void {
    this.#deps.logger.error({ error }, 'how far events were forwarded could not be written; a restart repeats some')
  }
}
