import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { SharedState } from '../../ports/shared-state.ts'
import type { OwnEvents } from '../own-events.ts'
import type { DurableWaiter, EventPipeline } from '../pipeline.ts'

export interface LostEpochsDeps {
  readonly clock: Clock
  readonly shared: Pick<SharedState, 'takeLostEpochs' | 'closeLostEpoch'>
  readonly pipeline: EventPipeline
  readonly events: OwnEvents
  readonly logger: Logger
}

const everyMs = 1_000
const perSweepMax = 500

/**
 * One `charge_point.disconnected` (`node_lost`) for each open epoch of a node whose lease has run out, from whoever sees it
 * first; the id is derived, so that the node itself, back again, publishes the same event.
 */
export class LostEpochs implements DurableWaiter {
  readonly #deps: LostEpochsDeps
  readonly #closing = new Map<
    number,
    { readonly chargePointId: string; readonly epoch: number; readonly node: string }
  >()
  #tickets = 0
  #stopped = false
  #cancel: (() => void) | undefined

  constructor(deps: LostEpochsDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#cancel = this.#deps.clock.after(everyMs, () => void this.#loop())
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  /** One sweep; for tests too. */
  async sweep(): Promise<number> {
    const { shared, pipeline, events } = this.#deps
    const lost = await shared.takeLostEpochs(perSweepMax)
    for (const epoch of lost) {
      const ticket = ++this.#tickets
      this.#closing.set(ticket, epoch)
      pipeline.publish([{ event: events.nodeLost(epoch), changes: [] }], this, ticket)
    }
    return lost.length
  }

  durable(ticket: number): void {
    const epoch = this.#closing.get(ticket)
    this.#closing.delete(ticket)
    if (!epoch) return
    this.#deps.shared.closeLostEpoch(epoch.chargePointId, epoch.epoch, epoch.node).catch((error: unknown) => {
      this.#deps.logger.debug(
        { ...epoch, error },
        'a lost epoch could not be closed; its event comes again with the same id'
      )
    })
  }

  async #loop(): Promise<void> {
    try {
      await this.sweep()
    } catch (error) {
      this.#deps.logger.debug({ error }, 'lost epochs could not be looked for; the registry is away')
    }
    if (!this.#stopped) this.start()
  }
}
