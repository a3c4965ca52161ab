import { GatewayError } from '../../lib/gateway-error.ts'
import type { ControlChannel } from '../../ports/control-channel.ts'
import type { NodeLease } from '../../ports/node-lease.ts'
import type { ChargePointRecord } from '../../ports/records.ts'
import type { SessionRegistry } from '../../ports/session-registry.ts'
import type { ChargePointsView, ChargePointView } from '../views.ts'

export interface ClusterPointsDeps {
  readonly node: string
  /** The charge points of this node, with their live sessions. */
  readonly here: ChargePointsView
  readonly directory: {
    chargePoint(chargePointId: string): Promise<ChargePointRecord | undefined>
    chargePoints(after: string | undefined, limit: number): Promise<readonly ChargePointRecord[]>
  }
  readonly registry: Pick<SessionRegistry, 'locate'>
  readonly lease: Pick<NodeLease, 'nodes' | 'state'>
  /** See `missingIsDead`. */
  readonly missingIsDead: () => boolean
  readonly control: Pick<ControlChannel, 'send'>
}

/**
 * Every charge point of the cluster, on any node: live here, or as its own node last wrote it down. Rejects with
 * `registry_unavailable` while that may be out of date, or a node may only not have renewed its lease: that somebody is away is no guess.
 */
export class ClusterPoints implements ChargePointsView {
  readonly #deps: ClusterPointsDeps

  constructor(deps: ClusterPointsDeps) {
    this.#deps = deps
  }

  async get(chargePointId: string): Promise<ChargePointView | undefined> {
    const here = await this.#deps.here.get(chargePointId)
    if (here?.live) return here
    const record = await this.#deps.directory.chargePoint(chargePointId)
    return record && this.#elsewhere(record, await this.#aliveNodes())
  }

  async list({
    connected,
    after,
    limit
  }: Parameters<ChargePointsView['list']>[0]): Promise<readonly ChargePointView[]> {
    const alive = await this.#aliveNodes()
    const views: ChargePointView[] = []
    let cursor = after
    while (views.length < limit) {
      const records = await this.#deps.directory.chargePoints(cursor, limit)
      for (const record of records) {
        const here = await this.#deps.here.get(record.chargePointId)
        const view = here?.live ? here : this.#elsewhere(record, alive)
        if (connected === undefined || connected === (view.live !== undefined)) views.push(view)
      }
      cursor = records.at(-1)?.chargePointId
      if (records.length < limit) break
    }
    return views.slice(0, limit)
  }

  async disconnect(chargePointId: string): Promise<boolean> {
    if (await this.#deps.here.disconnect(chargePointId)) return true
    const owner = await this.#deps.registry.locate(chargePointId)
    if (!owner || owner.node === this.#deps.node) return false
    return (await this.#deps.control.send(owner.node, { kind: 'disconnect', chargePointId })) === 'accepted'
  }

  async #aliveNodes(): Promise<ReadonlySet<string>> {
    const nodes = await this.#deps.lease.nodes()
    const { kind } = this.#deps.lease.state()
    // A registry that takes no writes can be read all the same: its rows are out of date, and all leases run out.
    if (kind === 'away' || kind === 'lost') throw inDoubt('this gateway does not hold its lease')
    return new Set(nodes.filter(({ alive }) => alive).map(({ node }) => node))
  }

  /** Connected, as far as its node is alive and has not said otherwise. What only the live session knows is absent. */
  #elsewhere(record: ChargePointRecord, alive: ReadonlySet<string>): ChargePointView {
    const [last] = record.connections
    if (!last || last.reason !== undefined || last.node === this.#deps.node) return { record }
    if (!alive.has(last.node)) {
      if (this.#deps.missingIsDead()) return { record }
      throw inDoubt(`node ${JSON.stringify(last.node)} may be back from an outage in a moment`)
    }
    const { node, epoch, connectedAtMs, remoteAddress } = last
    return { record, live: { node, epoch, connectedAtMs, remoteAddress } }
  }
}

function inDoubt(why: string): GatewayError {
  return new GatewayError('registry_unavailable', `who is connected elsewhere cannot be said now: ${why}; try again`, {
    canRetry: true
  })
}
