import { wait } from '../../lib/wait.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { LeaseState, NodeLease } from '../../ports/node-lease.ts'
import type { LiveConversation } from '../conversation.ts'
import type { ClusterRegistry, HeldEpoch } from './registry.ts'
import { isUnavailable } from './unavailable.ts'

export interface AdoptionDeps {
  readonly node: string
  readonly clock: Clock
  readonly lease: NodeLease
  readonly registry: Pick<
    ClusterRegistry,
    'adopt' | 'locate' | 'unregistered' | 'forgetRegistrations' | 'onUnregistered' | 'recheck' | 'heldCount'
  >
  readonly find: (chargePointId: string) => LiveConversation | undefined
  /** Tell the ledger what this node knows of commands; before others may trust the registry again. */
  readonly restore: () => Promise<void>
  readonly logger: Logger
  /** `limits.adoptions_per_second_max`: a registry that has just come back must not be drowned. */
  readonly perSecondMax: number
  /**
   * Within this time the registry is asked for each session whether it still says the same: one whose eviction was lost with the
   * node that sent it is found by nobody else, and would go on without an owner.
   */
  readonly recheckMs: number
}

const stepMs = 50
const retryMs = 1_000
const recheckStepMs = 5_000

/** There is a registry to adopt in, and no other node with this one's id. */
function isOurs(state: LeaseState): boolean {
  return state === 'held' || state === 'lost'
}

/**
 * Registers the sessions that are open already, after the registry was away or emptied or this node was paused beyond its
 * lease. Who turns out to have been taken over, or told as lost, is closed: that costs one reconnect, never an event. [design 5]
 */
export class Adoption {
  readonly #deps: AdoptionDeps
  #running = false
  /** How often the lease was lost. */
  #losses = 0
  readonly #stop = new AbortController()
  #cancelSoon: (() => void) | undefined
  #cancelRecheck: (() => void) | undefined
  readonly #unsubscribe: () => void

  constructor(deps: AdoptionDeps) {
    this.#deps = deps
    this.#unsubscribe = deps.lease.onChange((state) => this.#leaseIs(state))
    // One claim that ran into its timeout says nothing about the lease, and is in no registry yet.
    deps.registry.onUnregistered(() => this.#soon())
    this.#recheckLater()
  }

  stop(): void {
    this.#stop.abort()
    this.#unsubscribe()
    this.#cancelSoon?.()
    this.#cancelRecheck?.()
  }

  #leaseIs(state: LeaseState): void {
    if (!isOurs(state)) return
    if (state === 'lost') {
      this.#losses++
      this.#deps.registry.forgetRegistrations()
    }
    this.#begin()
  }

  #soon(): void {
    if (this.#stop.signal.aborted) return
    this.#cancelSoon ??= this.#deps.clock.after(retryMs, () => {
      this.#cancelSoon = undefined
      if (isOurs(this.#deps.lease.state().kind)) this.#begin()
    })
  }

  #recheckLater(): void {
    const { clock, lease, registry, recheckMs } = this.#deps
    this.#cancelRecheck = clock.after(recheckStepMs, () => {
      if (lease.state().kind === 'held') registry.recheck(Math.ceil((registry.heldCount * recheckStepMs) / recheckMs))
      this.#recheckLater()
    })
  }

  #begin(): void {
    // A run that is on its way looks at all that is unregistered when it comes to its end.
    if (this.#running || this.#stop.signal.aborted) return
    this.#running = true
    void this.#run()
  }

  async #run(): Promise<void> {
    const { clock, lease, logger, registry } = this.#deps
    const beganMs = clock.now()
    const losses = this.#losses
    let adopted = 0
    let displaced = 0
    try {
      const tried = new Set<HeldEpoch>()
      for (let step = this.#step(tried); step.length > 0; step = this.#step(tried)) {
        const kept = await Promise.all(step.map((held) => this.#adopt(held)))
        adopted += kept.filter(Boolean).length
        displaced += kept.filter((own) => !own).length
        await wait(clock, stepMs, this.#stop.signal)
        if (this.#stop.signal.aborted) return
        if (!isOurs(lease.state().kind)) break
      }
      if (lease.state().kind === 'lost') await this.#deps.restore()
      // Lost once more since this run began: what it has registered may be gone.
      if (lease.state().kind === 'lost' && this.#losses === losses) {
        lease.adopted()
        logger.info(
          { adopted, displaced, tookMs: clock.now() - beganMs },
          'the sessions of this node are registered again'
        )
      }
    } catch (error) {
      logger.warn(
        { error, adopted, unavailable: isUnavailable(error) },
        'the registry went away while sessions were registered; it is tried again'
      )
    }
    this.#running = false
    // Left over: the registry went away, a handshake that is no connection yet, or the lease was lost again.
    if (registry.unregistered().length > 0 || lease.state().kind === 'lost') this.#soon()
  }

  /** The next ones that this run has not tried yet. */
  #step(tried: Set<HeldEpoch>): readonly HeldEpoch[] {
    const { registry, perSecondMax } = this.#deps
    const step = registry
      .unregistered()
      .filter((held) => !tried.has(held))
      .slice(0, Math.max(1, Math.ceil((perSecondMax * stepMs) / 1000)))
    for (const held of step) tried.add(held)
    return step
  }

  async #adopt({ chargePointId, epoch }: HeldEpoch): Promise<boolean> {
    const { node, registry, find } = this.#deps
    if (await registry.adopt(chargePointId, epoch)) return true
    const owner = await registry.locate(chargePointId)
    const conversation = find(chargePointId)
    if (conversation?.session.epoch !== epoch) return false
    if (owner && owner.epoch > epoch) conversation.end('replaced')
    // With no newer connection it was told as lost, also while its own entry still stands: it has to come back under another epoch.
    else if (!owner || owner.epoch < epoch || owner.node === node) conversation.end('taken_for_lost')
    // Both took it while the registry was away, and the end of one would stand over the other.
    else conversation.giveWay()
    return false
  }
}
