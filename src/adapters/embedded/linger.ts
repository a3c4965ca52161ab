/** Calls that a batch should have before it is not worth waiting for more. */
const batchCallsEnough = 16
/** How fast the estimates follow: about the last ten commits. */
const weight = 0.1
/** Calls that find another one waiting, per commit, from which on waiting pays. */
const companyMin = 0.5

/**
 * Decides how long a commit waits for company. A commit costs the same for one event as for many, so at middling load a
 * few milliseconds save most of the CPU; alone, waiting would only add latency; at high load the commits themselves are
 * wait enough.
 */
export class Linger {
  readonly #msMax: number
  /** Calls in a batch besides the first, on average. */
  #company = 0
  /** Calls of a batch and milliseconds from one to the next, on average: their quotient is the load. */
  #calls = 0
  #intervalMs = 1
  #lastAtMs = 0

  constructor(msMax: number) {
    this.#msMax = msMax
  }

  /** Milliseconds to wait when `calls` are waiting already. */
  delayMs(calls: number): number {
    if (this.enough(calls) || this.#company < companyMin) return 0
    const callsPerMs = Math.max(this.#calls / this.#intervalMs, 0.001)
    return Math.min(this.#msMax, Math.floor((batchCallsEnough - calls) / callsPerMs))
  }

  enough(calls: number): boolean {
    return calls >= batchCallsEnough
  }

  /** A batch of `calls` was taken, `joined` more came while it was being committed. */
  committed(calls: number, joined: number, nowMs: number): void {
    const elapsedMs = Math.max(nowMs - this.#lastAtMs, 0.01)
    this.#lastAtMs = nowMs
    // A long silence forgets everything at once: what came before it says nothing about now.
    const follow = elapsedMs > 1_000 ? 1 : weight
    this.#company += follow * (calls - 1 + joined - this.#company)
    this.#calls += follow * (calls - this.#calls)
    this.#intervalMs += follow * (elapsedMs - this.#intervalMs)
  }
}
