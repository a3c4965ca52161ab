import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { OwnEvents } from './own-events.ts'
import type { EventPipeline } from './pipeline.ts'
import { type Refusal, type RefusalCode, refusals } from './refusals.ts'
import type { Gatekeeper } from './wire.ts'

export interface RefusalLogDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly pipeline: EventPipeline
  readonly events: OwnEvents
  /** `limits.refusals_per_minute_max`: events and log lines for refusals of one node; more are only counted. */
  readonly perMinuteMax: number
}

/** Publishes why connections are refused, at a bounded rate: a stranger's flood must not fill the log (A13). */
export class RefusalLog {
  readonly #deps: RefusalLogDeps
  #minute = 0
  #count = 0
  readonly #suppressed = new Map<RefusalCode, number>()

  constructor(deps: RefusalLogDeps) {
    this.#deps = deps
  }

  add(refusal: Refusal, about: Parameters<Gatekeeper['refused']>[1]): void {
    const { clock, logger, pipeline, events, perMinuteMax } = this.#deps
    const minute = Math.floor(clock.now() / 60_000)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#count = 0
    }
    if (++this.#count > perMinuteMax) {
      this.#suppress(refusal.code)
      if (this.#count === perMinuteMax + 1)
        logger.warn(
          { perMinuteMax },
          'more connections are refused than are reported; see cpg_connections_refused_total'
        )
      return
    }
    logger.info(
      { ...about, reason: refusal.code, detail: refusal.detail },
      `connection refused: ${refusals[refusal.code].text}`
    )
    const { chargePointId, ...rest } = about
    // Who did not even name itself is told by its address in the log line; an event needs a subject.
    if (chargePointId === undefined || chargePointId === '') return
    // A log that is full already must not be filled by those who are told to come later.
    if (pipeline.full) {
      this.#suppress(refusal.code)
      return
    }
    const suppressed = this.#suppressed.get(refusal.code)
    this.#suppressed.delete(refusal.code)
    const told = suppressed === undefined ? rest : { ...rest, suppressed }
    pipeline.publish([{ event: events.connectionRefused(chargePointId, refusal, told), changes: [] }])
  }

  #suppress(code: RefusalCode): void {
    this.#suppressed.set(code, (this.#suppressed.get(code) ?? 0) + 1)
  }
}
