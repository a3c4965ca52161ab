import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { PendingEvent } from './forward-record.ts'

const minuteMs = 60_000

/** Tells that stubs stand for events, by one line a minute: a topic that takes too little makes one of every large event. */
export class StubLog {
  readonly #clock: Clock
  readonly #logger: Logger
  #lastMs = Number.NEGATIVE_INFINITY
  #toldMs = Number.NEGATIVE_INFINITY
  #untold = 0

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock
    this.#logger = logger
  }

  /** True while stubs are being made: the last one is no older than a minute. */
  get isRecent(): boolean {
    return this.#clock.now() - this.#lastMs < minuteMs
  }

  add({ chargePointId, position, text }: PendingEvent): void {
    this.#lastMs = this.#clock.now()
    this.#untold++
    if (this.#lastMs - this.#toldMs < minuteMs) return
    this.#logger.warn(
      { stubs: this.#untold, chargePointId, position, eventId: JSON.parse(text).id },
      'events are too large for the topic: event.too_large stands for them, as for the one named here; the whole is in the event log. This is told once a minute; see cpg_forward_stubs_total'
    )
    this.#toldMs = this.#lastMs
    this.#untold = 0
  }
}
