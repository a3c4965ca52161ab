import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { LeaseState, NodeLease } from '../../ports/node-lease.ts'
import type { SessionRegistry } from '../../ports/session-registry.ts'
import type { LiveConversation } from '../conversation.ts'
import { isUnavailable } from './unavailable.ts'

export interface AdoptionDeps {
  readonly clock: Clock
  readonly lease: NodeLease
  readonly registry: Pick<SessionRegistry, 'adopt'>
  readonly conversations: () => readonly LiveConversation[]
  readonly logger: Logger
  /** `limits.adoptions_per_second_max`: a registry that has just come back must not be drowned. */
  readonly perSecondMax: number
}

const stepMs = 50
const retryMs = 1_000

/**
 * Registers the sessions that are open already, after the registry was away or emptied or this node was paused beyond its
 * lease. Who turns out to have been taken over is closed: that costs one reconnect, never an event. [design 5]
 */
export class Adoption {
  readonly #deps: AdoptionDeps
  #running = false
  #again = false
  #wasAway = false
  #cancel: (() => void) | undefined
  readonly #unsubscribe: () => void

  constructor(deps: AdoptionDeps) {
    this.#deps = deps
    this.#unsubscribe = deps.lease.onChange((state) => this.#leaseIs(state))
  }

  stop(): void {
    this.#unsubscribe()
    this.#cancel?.()
    this.#running = false
  }

  #leaseIs(state: LeaseState): void {
    if (state === 'away') {
      this.#wasAway = true
      return
    }
    // What was admitted while the registry was away is in no registry yet, even when the lease itself has survived.
    if (state === 'lost' || this.#wasAway) this.#begin()
    this.#wasAway = false
  }

  #begin(): void {
    if (this.#running) {
      this.#again = true
      return
    }
    this.#running = true
    void this.#run()
  }

  async #run(): Promise<void> {
    const { clock, lease, logger, conversations, perSecondMax } = this.#deps
    const beganMs = clock.now()
    const perStep = Math.max(1, Math.ceil((perSecondMax * stepMs) / 1000))
    let adopted = 0
    let displaced = 0
    try {
      do {
        this.#again = false
        const all = conversations()
        for (let first = 0; first < all.length && this.#running; first += perStep) {
          const kept = await Promise.all(
            all.slice(first, first + perStep).map((conversation) => this.#adopt(conversation))
          )
          adopted += kept.filter(Boolean).length
          displaced += kept.filter((own) => !own).length
          if (first + perStep < all.length) await this.#pause(stepMs)
        }
      } while (this.#again && this.#running)
      if (this.#running && lease.state().kind === 'lost') lease.adopted()
      logger.info(
        { adopted, displaced, tookMs: clock.now() - beganMs },
        'the sessions of this node are registered again'
      )
      this.#running = false
    } catch (error) {
      logger.warn(
        { error, adopted, unavailable: isUnavailable(error) },
        'the registry went away while sessions were registered; it is tried again'
      )
      await this.#pause(retryMs)
      if (this.#running) await this.#run()
    }
  }

  async #adopt(conversation: LiveConversation): Promise<boolean> {
    if (conversation.ended) return true
    const { chargePointId, epoch } = conversation.session
    if (await this.#deps.registry.adopt(chargePointId, epoch)) return true
    conversation.end('replaced')
    return false
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#cancel = this.#deps.clock.after(ms, resolve)
    })
  }
}
