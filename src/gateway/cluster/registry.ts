import type { ControlChannel } from '../../ports/control-channel.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Claim, Owner, SessionRegistry } from '../../ports/session-registry.ts'
import { isUnavailable } from './unavailable.ts'

export interface ClusterRegistryDeps {
  readonly node: string
  readonly shared: SessionRegistry
  /** The node's own, from its store and clock: for the time that the shared one is away. */
  readonly local: SessionRegistry
  readonly control: Pick<ControlChannel, 'send'>
  readonly logger: Logger
}

/**
 * Ownership in the cluster, with the node's own registry to fall back on: a charge point is admitted also when Redis is away,
 * with an epoch that is unique for this node, and adopted afterwards. [design 5]
 */
export class ClusterRegistry implements SessionRegistry {
  readonly #deps: ClusterRegistryDeps

  constructor(deps: ClusterRegistryDeps) {
    this.#deps = deps
  }

  async claim(chargePointId: string, atLeast = 0): Promise<Claim> {
    const { shared, local, node } = this.#deps
    // The local claim comes first: it is above everything that this node remembers, and so the least that is asked for.
    const own = await local.claim(chargePointId, atLeast)
    try {
      const claim = await shared.claim(chargePointId, own.epoch)
      if (claim.epoch > own.epoch) await local.adopt(chargePointId, claim.epoch)
      if (claim.displaced && claim.displaced.node !== node) this.#evict(chargePointId, claim.epoch, claim.displaced)
      return claim
    } catch (error) {
      if (!isUnavailable(error)) throw error
      return own
    }
  }

  async release(chargePointId: string, epoch: number): Promise<boolean> {
    const { shared, local } = this.#deps
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

  adopt(chargePointId: string, epoch: number): Promise<boolean> {
    return this.#deps.shared.adopt(chargePointId, epoch)
  }

  /** The displaced socket may be half open: its node closes it. When the message is lost, the session's next write is fenced. */
  #evict(chargePointId: string, epoch: number, displaced: Owner): void {
    this.#deps.control.send(displaced.node, { kind: 'evict', chargePointId, epoch }).catch((error: unknown) => {
      this.#deps.logger.info(
        { chargePointId, epoch, node: displaced.node, error },
        'the displaced connection could not be evicted; it ends with its node or its idle timeout'
      )
    })
  }
}
