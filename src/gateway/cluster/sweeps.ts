import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'

export interface SweepsDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly sweep: () => Promise<unknown>
  /** What is logged when a sweep fails: the registry is away, and the next one comes. */
  readonly failed: string
}

const everyMs = 1_000

/** A sweep a second after the last one has ended, until it is stopped. */
export class Sweeps {
  readonly #deps: SweepsDeps
  #stopped = false
  #cancel: (() => void) | undefined

  constructor(deps: SweepsDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#cancel = this.#deps.clock.after(everyMs, () => void this.#run())
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  async #run(): Promise<void> {
    const { sweep, logger, failed } = this.#deps
    try {
      await sweep()
    } catch (error) {
      logger.debug({ error }, failed)
    }
    if (!this.#stopped) this.start()
  }
}
