import type { Clock } from '../ports/clock.ts'
import type { Directory } from '../ports/directory.ts'
import type { NodeStore } from '../ports/node-store.ts'
import { type ChargePointRecord, keyOf, type StoreChange } from '../ports/records.ts'
import type { SessionRegistry } from '../ports/session-registry.ts'
import { isUnavailable } from './cluster/unavailable.ts'

export interface RegistrationsDeps {
  readonly clock: Clock
  readonly store: NodeStore
  readonly directory: Pick<Directory, 'load'>
  readonly registry: SessionRegistry
}

/**
 * Forgets that a charge point was registered when it is refused while it is away: an allow-list that names it again does not bring
 * its acceptance back, on this node or on another. (D6)
 */
export class Registrations {
  readonly #deps: RegistrationsDeps
  #listener: ((changes: readonly StoreChange[]) => void) | undefined

  constructor(deps: RegistrationsDeps) {
    this.#deps = deps
  }

  /** Called with the rows that are on this node's disk. */
  onForgotten(listener: (changes: readonly StoreChange[]) => void): void {
    this.#listener = listener
  }

  async forget(chargePointId: string): Promise<void> {
    const { clock, store, directory } = this.#deps
    const { record } = await directory.load(chargePointId)
    if (!record?.registration) return
    const epoch = await this.#epochAfter(record)
    // It lives somewhere: the node that has it closes it as revoked, and forgets then.
    if (epoch === undefined) return
    const { registration: _, ...kept } = record
    const value: ChargePointRecord = { ...kept, epoch, connections: endedIn(kept, clock.now()) }
    const changes: readonly StoreChange[] = [{ table: 'chargePoints', key: keyOf.chargePoint(chargePointId), value }]
    await store.commit(changes)
    this.#listener?.(changes)
  }

  /** Greater than any that a node has a row of: else the one that it was connected to last would bring the registration back. */
  async #epochAfter({ chargePointId, epoch }: ChargePointRecord): Promise<number | undefined> {
    const { registry } = this.#deps
    try {
      if (await registry.locate(chargePointId)) return undefined
      const claim = await registry.claim(chargePointId, epoch + 1)
      await registry.release(chargePointId, claim.epoch)
      return claim.epoch
    } catch (error) {
      if (!isUnavailable(error)) throw error
      // Whether it lives elsewhere cannot be known now, and a newer epoch would hide what that node tells of it.
      return epoch
    }
  }
}

/** Nobody has the connection that is open there: how it ended, its node says in its event. */
function endedIn(
  { connections }: Pick<ChargePointRecord, 'connections'>,
  atMs: number
): ChargePointRecord['connections'] {
  return connections.map((connection) =>
    connection.disconnectedAtMs === undefined
      ? { ...connection, disconnectedAtMs: atMs, reason: 'revoked' }
      : connection
  )
}
