import type { Clock } from '../../ports/clock.ts'
import type { NodeStore } from '../../ports/node-store.ts'
import { keyOf } from '../../ports/records.ts'
import type { Claim, Owner, SessionRegistry } from '../../ports/session-registry.ts'
import { secondsSince2020 } from './transaction-ids.ts'

/** Claims that are remembered before those are looked for that the clock has outrun. */
const recentClaimsMin = 4_096

/** Ownership when there is one node. Each method is one step: nothing can come between its reading and its writing. */
export class EmbeddedSessionRegistry implements SessionRegistry {
  readonly #nodeId: string
  readonly #tables: NodeStore
  readonly #clock: Clock
  readonly #owned = new Map<string, number>()
  /** Epochs given away whose record may not have been stored yet, until the clock alone gives a greater one. */
  readonly #recent = new Map<string, number>()
  #pruneAt = recentClaimsMin

  constructor(nodeId: string, tables: NodeStore, clock: Clock) {
    this.#nodeId = nodeId
    this.#tables = tables
    this.#clock = clock
  }

  async claim(chargePointId: string, atLeast = 0): Promise<Claim> {
    const stored = this.#tables.get('chargePoints', keyOf.chargePoint(chargePointId))?.epoch ?? 0
    const seconds = secondsSince2020(this.#clock.now())
    const earlier = this.#owned.get(chargePointId)
    const epoch = Math.max(stored + 1, atLeast, (this.#recent.get(chargePointId) ?? 0) + 1, (earlier ?? 0) + 1, seconds)
    this.#owned.set(chargePointId, epoch)
    this.#recent.set(chargePointId, epoch)
    if (this.#recent.size >= this.#pruneAt) this.#prune(seconds)
    return { epoch, ...(earlier !== undefined && { displaced: { node: this.#nodeId, epoch: earlier } }) }
  }

  async release(chargePointId: string, epoch: number): Promise<boolean> {
    if (this.#owned.get(chargePointId) !== epoch) return false
    this.#owned.delete(chargePointId)
    return true
  }

  async locate(chargePointId: string): Promise<Owner | undefined> {
    const epoch = this.currentEpoch(chargePointId)
    return epoch === undefined ? undefined : { node: this.#nodeId, epoch }
  }

  async adopt(chargePointId: string, epoch: number): Promise<boolean> {
    const owned = this.#owned.get(chargePointId)
    if (owned !== undefined && owned > epoch) return false
    this.#owned.set(chargePointId, epoch)
    this.#recent.set(chargePointId, Math.max(epoch, this.#recent.get(chargePointId) ?? 0))
    return true
  }

  currentEpoch(chargePointId: string): number | undefined {
    return this.#owned.get(chargePointId)
  }

  #prune(seconds: number): void {
    for (const [chargePointId, epoch] of this.#recent) {
      if (epoch < seconds) this.#recent.delete(chargePointId)
    }
    this.#pruneAt = Math.max(recentClaimsMin, 2 * this.#recent.size)
  }
}
