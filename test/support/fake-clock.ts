import type { Clock } from '../../src/ports/clock.ts'

/** A clock that moves only when told. Callbacks run in order of their due time. */
export class FakeClock implements Clock {
  #now: number
  #timers: { atMs: number; callback: () => void }[] = []

  constructor(nowMs = Date.UTC(2026, 10, 23, 10)) {
    this.#now = nowMs
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#now + delayMs, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const due = this.#timers.filter((timer) => timer.atMs <= until).sort((a, b) => a.atMs - b.atMs)[0]
      if (!due) break
      this.#timers = this.#timers.filter((timer) => timer !== due)
      this.#now = Math.max(this.#now, due.atMs)
      due.callback()
    }
    this.#now = until
  }
}
