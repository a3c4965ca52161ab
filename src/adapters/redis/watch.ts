import type { Clock } from '../../ports/clock.ts'
import type { SinkState } from '../../ports/event-sink.ts'
import type { Logger } from '../../ports/logger.ts'
import type { RedisConnection } from './connection.ts'
import { concernsOf, type RedisConcern } from './inspect.ts'
import type { Keys } from './keys.ts'

const everyMs = 60_000
/** While it could not be looked at. */
const againMs = 2_000

export interface RedisWatchDeps {
  readonly connection: RedisConnection
  readonly keys: Keys
  readonly clock: Clock
  readonly logger: Logger
}

/** Looks at servers that answer, but not as they should: told once, and kept for readiness until it is mended. */
export class RedisWatch {
  readonly #deps: RedisWatchDeps
  #concerns: readonly RedisConcern[] = []
  /** Since when there is any. */
  #concernedSinceMs: number | undefined
  #cancel: () => void = () => undefined
  #closed = false

  constructor(deps: RedisWatchDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#later(againMs / 2)
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  /** The state of the connection; when it is up, with what is wrong all the same, and since when. */
  state(): SinkState {
    const state = this.#deps.connection.state()
    if (state.kind !== 'up' || this.#concernedSinceMs === undefined) return state
    return { kind: 'up', sinceMs: this.#concernedSinceMs, detail: this.#concerns.map(({ text }) => text).join('; ') }
  }

  #later(ms: number): void {
    if (this.#closed) return
    this.#cancel = this.#deps.clock.after(
      ms,
      () => void this.#look().then((looked) => this.#later(looked ? everyMs : againMs))
    )
  }

  /** False: there was nobody to look at. */
  async #look(): Promise<boolean> {
    const { connection, keys, clock, logger } = this.#deps
    if (connection.state().kind !== 'up') return false
    try {
      const concerns = await concernsOf(connection, keys, clock)
      if (this.#closed) return false
      const before = this.#concerns
      this.#concerns = concerns
      this.#concernedSinceMs = concerns.length > 0 ? (this.#concernedSinceMs ?? clock.now()) : undefined
      // Once for each kind: a clock that drifts is in other words each time.
      for (const { kind, text } of concerns) if (!before.some((known) => known.kind === kind)) logger.warn({}, text)
      for (const { kind } of before)
        if (!concerns.some((left) => left.kind === kind)) logger.info({ what: kind }, 'Redis was set right')
      return true
    } catch (error) {
      logger.debug({ error }, 'Redis could not be looked at')
      return false
    }
  }
}
