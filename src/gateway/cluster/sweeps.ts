import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import { isUnavailable } from './unavailable.ts'

export interface SweepsDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly sweep: () => Promise<unknown>
  /** What a failed sweep did not do, in the plural; the next one comes. */
  readonly failed: string
}

const everyMs = 1_000

/** A sweep a second after the last one has ended, until it is stopped. */
export class Sweeps {
  readonly #deps: SweepsDeps
  #stopped = false
  /** By a mistake of ours, which is said once. */
  #isBroken = false
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
      this.#isBroken = false
    } catch (error) {
      if (isUnavailable(error)) logger.debug({ error }, `${failed}: the registry is away`)
      else if (!this.#isBroken) {
        this.#isBroken = true
        logger.error({ error }, `${failed}, and are not until this is mended`)
      }
    }
    if (!this.#stopped) this.start()
  }
}
