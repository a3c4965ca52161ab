import { wait } from '../../lib/wait.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ControlChannel } from '../../ports/control-channel.ts'
import type { Logger } from '../../ports/logger.ts'
import { keyOf } from '../../ports/records.ts'
import type { Claim, Owner, SessionRegistry } from '../../ports/session-registry.ts'
import { isUnavailable } from './unavailable.ts'

export interface ClusterRegistryDeps {
  readonly node: string
  readonly clock: Clock
  readonly shared: SessionRegistry
  /** The node's own, from its store and clock: for the time that the shared one is away. */
  readonly local: SessionRegistry
  readonly lease: { readonly incarnation: string }
  readonly control: Pick<ControlChannel, 'send'>
  readonly logger: Logger
}

/** By then a claim that was not answered is carried out, or never will be. */
const lateClaimMs = 10_000
const evictAttemptsMax = 5
const evictRetryMs = 2_000

/** An epoch that this node claimed and has not released. */
export interface HeldEpoch {
  readonly chargePointId: string
  readonly epoch: number
}

interface Held extends HeldEpoch {
  isRegistered: boolean
}

/**
 * Ownership in the cluster, with the node's own registry to fall back on: a charge point is admitted also when Redis is away,
 * with an epoch that is unique for this node, and adopted afterwards. [design 5]
 */
export class ClusterRegistry implements SessionRegistry {
  readonly #deps: ClusterRegistryDeps
  /** More than one of a charge point while a newer connection takes an older one's place. */
  readonly #held = new Map<string, Held>()
  #rechecking: MapIterator<Held> | undefined
  #onUnregistered: () => void = () => undefined

  constructor(deps: ClusterRegistryDeps) {
    this.#deps = deps
  }

  /** Calls back when a claim could not be told to the shared registry, or was told for a life that is over. */
  onUnregistered(listener: () => void): void {
    this.#onUnregistered = listener
  }

  /** The shared registry may have forgotten everything. */
  forgetRegistrations(): void {
    for (const held of this.#held.values()) held.isRegistered = false
  }

  /** What has to be adopted, handshakes that are not connections yet among them. */
  unregistered(): readonly HeldEpoch[] {
    const newest = new Map<string, Held>()
    for (const held of this.#held.values()) {
      if (held.epoch > (newest.get(held.chargePointId)?.epoch ?? 0)) newest.set(held.chargePointId, held)
    }
    return [...newest.values()].filter(({ isRegistered }) => !isRegistered)
  }

  /** The shared registry may say otherwise: the epoch is adopted anew, or its session ends. */
  doubt(chargePointId: string, epoch: number): void {
    const held = this.#held.get(keyOf.openEpoch(chargePointId, epoch))
    if (!held) return
    held.isRegistered = false
    this.#onUnregistered()
  }

  /** Of all that is held, the next `count`: the registry is asked once more whether it says the same. */
  recheck(count: number): void {
    for (let n = 0; n < count; n++) {
      this.#rechecking ??= this.#held.values()
      const { value: held, done } = this.#rechecking.next()
      if (done) {
        this.#rechecking = undefined
        break
      }
      held.isRegistered = false
    }
    if (count > 0) this.#onUnregistered()
  }

  /** Epochs that this node holds. */
  get heldCount(): number {
    return this.#held.size
  }

  /** `epoch` of another node has taken over: what is older here ends, also when it is no connection yet. */
  displaced(chargePointId: string, epoch: number): void {
    for (const held of this.#held.values()) {
      if (held.chargePointId === chargePointId && held.epoch < epoch) this.doubt(chargePointId, held.epoch)
    }
  }

  async claim(chargePointId: string, atLeast = 0): Promise<Claim> {
    const { shared, local, node, lease } = this.#deps
    // The local claim comes first: it is above everything that this node remembers, and so the least that is asked for.
    const own = await local.claim(chargePointId, atLeast)
    const { incarnation } = lease
    try {
      const claim = await shared.claim(chargePointId, own.epoch)
      if (claim.epoch > own.epoch) await local.adopt(chargePointId, claim.epoch)
      this.#hold(chargePointId, claim.epoch, incarnation === lease.incarnation)
      if (claim.displaced && claim.displaced.node !== node)
        void this.#evict(chargePointId, claim.epoch, claim.displaced)
      return claim
    } catch (error) {
      if (!isUnavailable(error)) throw error
      this.#hold(chargePointId, own.epoch, false)
      // Carried out late, it would put a newer epoch in the place of this one, which nobody has.
      this.#deps.clock.after(lateClaimMs, () => this.doubt(chargePointId, own.epoch))
      return own
    }
  }

  async release(chargePointId: string, epoch: number): Promise<boolean> {
    const { shared, local } = this.#deps
    this.#held.delete(keyOf.openEpoch(chargePointId, epoch))
    const released = await local.release(chargePointId, epoch)
    try {
      return await shared.release(chargePointId, epoch)
    } catch (error) {
      if (!isUnavailable(error)) throw error
      return released
    }
  }

  locate(chargePointId: string): Promise<Owner | undefined> {
    return this.#deps.shared.locate(chargePointId)
  }

  async adopt(chargePointId: string, epoch: number): Promise<boolean> {
    const { shared, local, lease } = this.#deps
    const { incarnation } = lease
    if (!(await shared.adopt(chargePointId, epoch))) return false
    await local.adopt(chargePointId, epoch)
    const held = this.#held.get(keyOf.openEpoch(chargePointId, epoch))
    if (held) held.isRegistered = incarnation === lease.incarnation
    // It ended meanwhile: what was registered too late is taken back.
    else await this.release(chargePointId, epoch)
    return true
  }

  #hold(chargePointId: string, epoch: number, isRegistered: boolean): void {
    this.#held.set(keyOf.openEpoch(chargePointId, epoch), { chargePointId, epoch, isRegistered })
    if (!isRegistered) this.#onUnregistered()
  }

  /**
   * The displaced connection may be half open, or the one that lives: its node closes it. Said again when it is not
   * acknowledged: without it, and after this one has ended, the other would go on with no owner registered.
   */
  async #evict(chargePointId: string, epoch: number, { node }: Owner): Promise<void> {
    const { control, clock, logger } = this.#deps
    for (let attempt = 1; attempt <= evictAttemptsMax; attempt++) {
      try {
        await control.send(node, { kind: 'evict', chargePointId, epoch })
        return
      } catch (error) {
        logger.debug({ chargePointId, epoch, node, attempt, error }, 'an eviction was not acknowledged')
      }
      await wait(clock, evictRetryMs)
    }
    logger.info(
      { chargePointId, epoch, node },
      'the displaced connection could not be evicted; it ends with its node or its idle timeout'
    )
  }
}
