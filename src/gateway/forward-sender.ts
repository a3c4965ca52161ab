import assert from 'node:assert'
import { GatewayError } from '../lib/gateway-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventSink } from '../ports/event-sink.ts'
import type { Logger } from '../ports/logger.ts'
import type { Counter, Histogram, Metrics } from '../ports/metrics.ts'
import { type PendingEvent, sinkRecordOf, stubOf } from './forward-record.ts'
import type { PartitionLane } from './partition-lane.ts'
import { SendBudget } from './send-budget.ts'
import { StubLog } from './stub-log.ts'

export interface ForwardSenderSettings {
  readonly node: string
  readonly batchRecordsMax: number
  readonly batchBytesMax: number
  readonly sendsPerS: number
  readonly sendsBurst: number
}

export interface ForwardSenderDeps {
  readonly settings: ForwardSenderSettings
  readonly sink: EventSink
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** True for the position of an event that may have been answered before the bus has it, though it should not be. */
  readonly answeredLocally?: (position: number) => boolean
}

/** A lane whose batch failed for a reason that may pass is not tried before. */
const retryMs = 1_000

/** From the lanes to the bus: one batch outstanding per lane, oldest first, within the budget of requests. */
export class ForwardSender {
  readonly #deps: ForwardSenderDeps
  readonly #onAcked: (lane: PartitionLane) => void
  readonly #budget: SendBudget
  readonly #ready = new Set<PartitionLane>()
  readonly #forwarded: Counter
  readonly #stubs: Counter
  readonly #stubLog: StubLog
  readonly #sendSeconds: Histogram
  readonly #batchEvents: Histogram
  #isPaused = false
  #cancelWake: (() => void) | undefined

  constructor(deps: ForwardSenderDeps, onAcked: (lane: PartitionLane) => void) {
    const { settings, clock, metrics } = deps
    this.#deps = deps
    this.#onAcked = onAcked
    this.#budget = new SendBudget(clock, settings.sendsPerS, settings.sendsBurst)
    this.#forwarded = metrics.counter('forwarded_events_total', {})
    this.#stubs = metrics.counter('forward_stubs_total', {})
    this.#stubLog = new StubLog(deps)
    this.#sendSeconds = metrics.histogram('forward_send_seconds')
    this.#batchEvents = metrics.histogram('forward_batch_events')
  }

  /** Events are too large for the bus at present. */
  get makesStubs(): boolean {
    return this.#stubLog.isRecent
  }

  /** A lane may have something to send. */
  offer(lane: PartitionLane): void {
    if (lane.sendable) this.#ready.add(lane)
  }

  /** Hand over nothing until `resume`. */
  pause(): void {
    this.#isPaused = true
    this.#cancelWake?.()
    this.#cancelWake = undefined
  }

  /** Go on with these lanes and no others; what was outstanding on them is sent again. */
  resume(lanes: readonly PartitionLane[]): void {
    this.#isPaused = false
    this.#ready.clear()
    for (const lane of lanes) {
      lane.giveBack()
      this.offer(lane)
    }
  }

  /** Hand over what may be sent now, oldest first. */
  dispatch(): void {
    while (!this.#isPaused && this.#ready.size > 0) {
      if (!this.#budget.take()) {
        this.#cancelWake ??= this.#deps.clock.after(this.#budget.waitMs, () => {
          this.#cancelWake = undefined
          this.dispatch()
        })
        return
      }
      let oldest: PartitionLane | undefined
      for (const lane of this.#ready) {
        if (!oldest || (lane.head?.position ?? 0) < (oldest.head?.position ?? 0)) oldest = lane
      }
      if (oldest) this.#send(oldest)
    }
  }

  #send(lane: PartitionLane): void {
    const { clock, sink, settings, answeredLocally } = this.#deps
    const sentAtMs = clock.now()
    this.#ready.delete(lane)
    const { attempt, events } = lane.begin(sentAtMs, {
      recordsMax: settings.batchRecordsMax,
      // The topic's limit holds for a whole batch too.
      bytesMax: Math.min(settings.batchBytesMax, sink.recordBytesMax)
    })
    sink
      .send(
        lane.partition,
        events.map((event) => sinkRecordOf(event, answeredLocally?.(event.position) ?? false))
      )
      .then(
        () => {
          if (!lane.isCurrent(attempt)) return
          this.#sendSeconds.observe((clock.now() - sentAtMs) / 1_000)
          this.#acked(lane, events.length)
        },
        (error: unknown) => {
          if (lane.isCurrent(attempt)) this.#rejected(lane, error)
        }
      )
  }

  #acked(lane: PartitionLane, events: number): void {
    lane.acknowledge()
    this.#forwarded.inc(events)
    this.#batchEvents.observe(events)
    this.offer(lane)
    this.dispatch()
    this.#onAcked(lane)
  }

  #rejected(lane: PartitionLane, error: unknown): void {
    const { clock, logger } = this.#deps
    const code = error instanceof GatewayError ? error.code : undefined
    if (code === 'record_too_large') this.#tooLarge(lane)
    else {
      lane.giveBack()
      if (code !== 'sink_restarted') lane.retryAtMs = clock.now() + retryMs
      if (code !== 'sink_restarted' && code !== 'sink_closed')
        logger.error({ partition: lane.partition, error }, 'a batch was not taken; it is sent again')
    }
    this.offer(lane)
    this.dispatch()
  }

  #tooLarge(lane: PartitionLane): void {
    if (lane.split()) return
    const { partition, head } = lane
    assert(head, 'what was sent is still in the lane')
    if (!head.isStub) {
      const stub = stubOf(head, this.#deps.settings.node)
      lane.replaceHead(stub)
      this.stubbed(stub)
      return
    }
    lane.retryAtMs = this.#deps.clock.now() + retryMs
    this.#deps.logger.error(
      { partition, bytes: head.bytes },
      'the topic does not take the smallest event; raise its max.message.bytes'
    )
  }

  /** Say that a stub stands for an event. */
  stubbed(stub: PendingEvent): void {
    this.#stubs.inc()
    this.#stubLog.add(stub)
  }
}
