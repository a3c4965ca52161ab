import type { Clock } from '../ports/clock.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { Logger } from '../ports/logger.ts'
import type { Counter, Metrics } from '../ports/metrics.ts'
import type { Forwarder } from './forwarder.ts'
import type { DurabilityGate, DurableWaiter } from './pipeline.ts'

export interface DeliveryGateDeps {
  readonly forwarder: Pick<
    Forwarder,
    'isOpen' | 'backlog' | 'partitionOf' | 'isAcked' | 'oldestAgeMs' | 'onAck' | 'onOpen'
  >
  readonly log: Pick<EventLog, 'range'>
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** `delivery.broker_patience`. */
  readonly patienceMs: number
}

export interface DeliveryState {
  /** `local`: answered from disk until the backlog is drained. */
  readonly answersAfter: 'broker' | 'local'
  readonly sinceMs: number
}

interface Waiting {
  readonly chargePointId: string
  readonly position: number
  readonly waiter: DurableWaiter
  readonly ticket: number
  readonly sinceMs: number
}

/** An outage is over when no event is older than this without an acknowledgement. */
const drainedAgeMsMax = 1_000

/**
 * `delivery.ack: broker`: what is on disk is answered only after the bus has acknowledged it. Patience is lost once per
 * outage: then everybody is answered from disk, and so is who comes later, until the backlog is drained.
 */
export class DeliveryGate implements DurabilityGate {
  readonly #deps: DeliveryGateDeps
  readonly #outages: Counter
  /** By partition, in order of their positions. */
  readonly #waiting = new Map<number, Waiting[]>()
  /** Those that came while the partitions were not known. */
  #unplaced: Waiting[] = []
  #isLocal = false
  /** The last position that may have been answered before the bus had it. */
  #localUpTo: number
  #isClosed = false
  #sinceMs: number
  #cancelTimer: (() => void) | undefined

  constructor(deps: DeliveryGateDeps) {
    const { forwarder, log, metrics, clock } = deps
    this.#deps = deps
    this.#sinceMs = clock.now()
    // What an earlier life has left was kept by this disk alone, and nobody knows any more whom it had answered.
    this.#localUpTo = log.range().durable
    this.#outages = metrics.counter('delivery_outages_total', {})
    metrics.gauge('delivery_local', {}, () => (this.#isLocal ? 1 : 0))
    forwarder.onAck((partition, position) => this.#acked(partition, position))
    // The partitions may be others than before.
    forwarder.onOpen(() => {
      for (const waiting of this.#takeAll()) this.#place(waiting)
    })
  }

  /** True during an outage. */
  get isLocal(): boolean {
    return this.#isLocal
  }

  /** True when the event at `position` may have been answered before the bus had it. It is sent with a header that says so. */
  answeredLocally(position: number): boolean {
    return this.#isLocal || position <= this.#localUpTo
  }

  state(): DeliveryState {
    return { answersAfter: this.#isLocal ? 'local' : 'broker', sinceMs: this.#sinceMs }
  }

  wait(chargePointId: string, position: number, waiter: DurableWaiter, ticket: number): void {
    if (this.#isLocal || this.#isClosed) {
      this.#answerLocally(position, waiter, ticket)
      return
    }
    const sinceMs = this.#deps.clock.now()
    this.#place({ chargePointId, position, waiter, ticket, sinceMs })
    this.#cancelTimer ??= this.#deps.clock.after(this.#deps.patienceMs, () => this.#loseOrKeepPatience())
  }

  /** The node stops: whoever still waits is answered from disk. */
  close(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
    this.#releaseAll()
  }

  #place(waiting: Waiting): void {
    const { forwarder } = this.#deps
    if (!forwarder.isOpen) {
      this.#unplaced.push(waiting)
      return
    }
    const partition = forwarder.partitionOf(waiting.chargePointId)
    if (forwarder.isAcked(partition, waiting.position)) {
      waiting.waiter.durable(waiting.ticket)
      return
    }
    const queue = this.#waiting.get(partition)
    if (queue) queue.push(waiting)
    else this.#waiting.set(partition, [waiting])
  }

  #acked(partition: number, position: number): void {
    const queue = this.#waiting.get(partition)
    if (queue && queue.length > 0) {
      let count = 0
      while (count < queue.length && (queue[count]?.position ?? 0) <= position) count++
      for (const { waiter, ticket } of queue.splice(0, count)) waiter.durable(ticket)
    }
    if (this.#isLocal && this.#deps.forwarder.oldestAgeMs() <= drainedAgeMsMax) this.#recover()
  }

  #loseOrKeepPatience(): void {
    const { clock, patienceMs } = this.#deps
    this.#cancelTimer = undefined
    let oldestMs = this.#unplaced[0]?.sinceMs ?? Number.POSITIVE_INFINITY
    for (const [first] of this.#waiting.values()) if (first) oldestMs = Math.min(oldestMs, first.sinceMs)
    if (oldestMs === Number.POSITIVE_INFINITY) return
    const leftMs = oldestMs + patienceMs - clock.now()
    if (leftMs > 0) this.#cancelTimer = clock.after(leftMs, () => this.#loseOrKeepPatience())
    else this.#fallBack()
  }

  #fallBack(): void {
    const { clock, logger, forwarder, patienceMs } = this.#deps
    this.#isLocal = true
    this.#sinceMs = clock.now()
    this.#outages.inc()
    logger.warn(
      { backlog: forwarder.backlog, patienceMs },
      'the bus acknowledges nothing: messages are answered from the local log until it has caught up'
    )
    this.#releaseAll()
  }

  #recover(): void {
    const { clock, logger } = this.#deps
    const tookMs = clock.now() - this.#sinceMs
    this.#isLocal = false
    this.#sinceMs = clock.now()
    logger.info({ tookMs }, 'the bus has caught up: messages are answered after its acknowledgement again')
  }

  #releaseAll(): void {
    for (const { position, waiter, ticket } of this.#takeAll()) this.#answerLocally(position, waiter, ticket)
  }

  #answerLocally(position: number, waiter: DurableWaiter, ticket: number): void {
    this.#localUpTo = Math.max(this.#localUpTo, position)
    waiter.durable(ticket)
  }

  #takeAll(): Waiting[] {
    const all = this.#unplaced.splice(0)
    for (const queue of this.#waiting.values()) all.push(...queue.splice(0))
    return all.sort((a, b) => a.position - b.position)
  }
}
