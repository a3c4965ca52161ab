/** Time as a dependency, so that no test sleeps. */
export interface Clock {
  /** Milliseconds since 1970, UTC. Never falls: a wall clock that is set back makes it stand until it is caught up. */
  now(): number
  /** Call back once after `delayMs`. The returned function cancels. */
  after(delayMs: number, callback: () => void): () => void
}
