import type { Clock } from '../ports/clock.ts'

/**
 * How many requests to the bus may be made: a token bucket. As long as there are tokens nothing lingers; without them
 * whoever wants to send waits for the next one, and what arrives meanwhile goes along.
 */
export class SendBudget {
  readonly #clock: Clock
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #filledAtMs: number

  constructor(clock: Clock, sendsPerS: number, burst: number) {
    this.#clock = clock
    this.#perMs = sendsPerS / 1_000
    this.#burst = burst
    this.#tokens = burst
    this.#filledAtMs = clock.now()
  }

  /** False: no token; there is one after `waitMs`. */
  take(): boolean {
    const nowMs = this.#clock.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#filledAtMs) * this.#perMs)
    this.#filledAtMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  get waitMs(): number {
    return Math.max(1, Math.ceil((1 - this.#tokens) / this.#perMs))
  }
}
