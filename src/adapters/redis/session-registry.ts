import type { Claim, Owner, SessionRegistry } from '../../ports/session-registry.ts'
import type { RedisConnection } from './connection.ts'
import type { Keys } from './keys.ts'
import type { RedisNodeLease } from './node-lease.ts'
import { scripts } from './scripts.ts'

/** How long the epoch of a charge point that left is remembered; after that the clock alone makes it grow. */
export const ownerMemoryMs = 30 * 86_400_000

export interface SessionRegistryDeps {
  readonly connection: RedisConnection
  readonly keys: Keys
  readonly nodeId: string
  readonly lease: RedisNodeLease
}

/** Ownership in Redis: one entry for each charge point, alive while its node's lease is. */
export class RedisSessionRegistry implements SessionRegistry {
  readonly #deps: SessionRegistryDeps

  constructor(deps: SessionRegistryDeps) {
    this.#deps = deps
  }

  async claim(chargePointId: string, atLeast = 0): Promise<Claim> {
    const { connection, keys, nodeId, lease } = this.#deps
    const args = [nodeId, lease.incarnation, atLeast]
    const reply = await connection.run(scripts.claim, [keys.owner(chargePointId)], args)
    const [epoch, node, formerEpoch] = reply as [number, string | null, string | null]
    return { epoch: Number(epoch), ...(node != null && { displaced: { node, epoch: Number(formerEpoch) } }) }
  }

  async release(chargePointId: string, epoch: number): Promise<boolean> {
    const { connection, keys, nodeId } = this.#deps
    const args = [nodeId, epoch, ownerMemoryMs]
    return Number(await connection.run(scripts.release, [keys.owner(chargePointId)], args)) === 1
  }

  async locate(chargePointId: string): Promise<Owner | undefined> {
    const { connection, keys, nodeId, lease } = this.#deps
    const key = keys.owner(chargePointId)
    const row = (await connection.send(key, ['HMGET', key, 'epoch', 'node', 'incarnation'])) as (string | null)[]
    const [epoch, node, incarnation] = row
    if (epoch == null || node == null || incarnation == null) return undefined
    const alive = node === nodeId ? incarnation === lease.incarnation : await lease.isAlive(node, incarnation)
    return alive ? { node, epoch: Number(epoch) } : undefined
  }

  async adopt(chargePointId: string, epoch: number): Promise<boolean> {
    const { connection, keys, nodeId, lease } = this.#deps
    const args = [nodeId, lease.incarnation, epoch]
    return Number(await connection.run(scripts.adopt, [keys.owner(chargePointId)], args)) === 1
  }
}
