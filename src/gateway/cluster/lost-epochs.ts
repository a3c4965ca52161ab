import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { NodeStore } from '../../ports/node-store.ts'
import { keyOf, type OpenEpochRecord } from '../../ports/records.ts'
import type { SharedState } from '../../ports/shared-state.ts'
import type { OwnEvents } from '../own-events.ts'
import type { DurableWaiter, EventPipeline } from '../pipeline.ts'
import { withLostEpoch } from '../recovery.ts'
import { Sweeps } from './sweeps.ts'

export interface LostEpochsDeps {
  readonly clock: Clock
  readonly node: string
  readonly shared: Pick<SharedState, 'takeLostEpochs' | 'closeLostEpoch' | 'ownOpenEpochs' | 'load' | 'project'>
  readonly store: Pick<NodeStore, 'get'>
  /** See `missingIsDead`. */
  readonly missingIsDead: () => boolean
  readonly pipeline: EventPipeline
  readonly events: OwnEvents
  readonly logger: Logger
}

const perSweepMax = 500

type LostEpoch = OpenEpochRecord & { readonly node: string }
type ToldEpoch = LostEpoch & { readonly toldAtMs: number }

/**
 * One `charge_point.disconnected` (`node_lost`) for each open epoch of a node whose lease has run out, from whoever sees it
 * first; the id is derived, so that the node itself, back again, publishes the same event. What the node had already told of
 * the end and could not project, or goes on to tell because it only stood still, is another event: its own, with a sequence.
 */
export class LostEpochs implements DurableWaiter {
  readonly #deps: LostEpochsDeps
  readonly #closing = new Map<number, ToldEpoch>()
  #ownAreChecked = false
  #tickets = 0
  readonly #sweeps: Sweeps

  constructor(deps: LostEpochsDeps) {
    this.#deps = deps
    const { clock, logger } = deps
    const failed = 'lost epochs could not be looked for'
    this.#sweeps = new Sweeps({ clock, logger, sweep: () => this.sweep(), failed })
  }

  start(): void {
    this.#sweeps.start()
  }

  stop(): void {
    this.#sweeps.stop()
  }

  /**
   * What an earlier life of this node ended and died before it could project; others would tell it as lost at this node's next
   * end. An epoch that this disk knows nothing of is of an earlier disk, and lost with it. Best before the first connection.
   */
  async checkOwn(): Promise<void> {
    const { shared, store, node } = this.#deps
    for (const open of await shared.ownOpenEpochs()) {
      const { chargePointId, epoch } = open
      if (store.get('openEpochs', keyOf.openEpoch(chargePointId, epoch))) continue
      const known = store.get('chargePoints', keyOf.chargePoint(chargePointId))?.connections ?? []
      if (known.some((connection) => connection.epoch === epoch && connection.reason !== undefined))
        await this.#close({ ...open, node })
      else this.#tell({ ...open, node })
    }
    this.#ownAreChecked = true
  }

  /** One sweep; for tests too. */
  async sweep(): Promise<number> {
    // Nor are the own epochs ours to end before: another gateway may run with this one's id.
    if (!this.#deps.missingIsDead()) return 0
    if (!this.#ownAreChecked) await this.checkOwn()
    const lost = await this.#deps.shared.takeLostEpochs(perSweepMax)
    for (const epoch of lost) this.#tell(epoch)
    this.#report(lost)
    return lost.length
  }

  durable(ticket: number): void {
    const epoch = this.#closing.get(ticket)
    this.#closing.delete(ticket)
    if (!epoch) return
    this.#ended(epoch).catch((error: unknown) => {
      this.#deps.logger.debug(
        { ...epoch, error },
        'a lost epoch could not be closed; its event comes again with the same id'
      )
    })
  }

  /** `node` stands on every line and is who writes it. */
  #report(lost: readonly LostEpoch[]): void {
    for (const [lostNode, { length: connections }] of Map.groupBy(lost, ({ node }) => node)) {
      this.#deps.logger.warn(
        { lostNode, connections },
        'a gateway has not renewed its lease in Redis and counts as dead: its open connections are told as lost (node_lost); see whether it runs, and what its log and /health/ready say of Redis'
      )
    }
  }

  #tell(epoch: LostEpoch): void {
    const { clock, pipeline, events } = this.#deps
    const ticket = ++this.#tickets
    this.#closing.set(ticket, { ...epoch, toldAtMs: clock.now() })
    pipeline.publish([{ event: events.nodeLost(epoch), changes: [] }], this, ticket)
  }

  /** What is remembered of the charge point says the same as the event, unless a newer connection has its own word by now. */
  async #ended({ toldAtMs, ...lost }: ToldEpoch): Promise<void> {
    const { shared } = this.#deps
    const { chargePointId, epoch, node } = lost
    const { record } = await shared.load(chargePointId)
    const [last] = record?.connections ?? []
    if (record && last?.epoch === epoch && last.node === node && last.reason === undefined) {
      const value = withLostEpoch(record, epoch, toldAtMs)
      await shared.project([{ table: 'chargePoints', key: keyOf.chargePoint(chargePointId), value }])
    }
    await this.#close(lost)
  }

  #close({ chargePointId, epoch, node }: LostEpoch): Promise<void> {
    return this.#deps.shared.closeLostEpoch(chargePointId, epoch, node)
  }
}
