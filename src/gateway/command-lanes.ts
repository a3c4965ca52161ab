import { GatewayError } from '../lib/gateway-error.ts'
import { wait } from '../lib/wait.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { CommandRecord } from '../ports/records.ts'

export interface CommandLanesDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** Give it to the session that has its charge point, here or elsewhere, or end it. */
  readonly send: (record: CommandRecord) => Promise<void>
}

interface Waiting {
  readonly record: CommandRecord
  readonly release: () => void
  /** It was cancelled or overdue, and has its outcome. */
  hasEnded: boolean
}

interface Lane {
  readonly waiting: Waiting[]
  /** The first one waits for the registry, and all behind it. */
  isStuck: boolean
}

const retryMs = 500

/**
 * Commands on their way to a session that is not here, one at a time for each charge point, so that they keep their order. One
 * that meets a registry that is away goes on when it is back, and those behind it wait. [design 4]
 */
export class CommandLanes {
  readonly #deps: CommandLanesDeps
  readonly #lanes = new Map<string, Lane>()

  constructor(deps: CommandLanesDeps) {
    this.#deps = deps
  }

  /** True while commands of this charge point are on their way: the next one goes behind them. */
  has(chargePointId: string): boolean {
    return this.#lanes.has(chargePointId)
  }

  /** How many wait behind the one that is on its way. */
  waiting(chargePointId: string): number {
    const lane = this.#lanes.get(chargePointId)
    return lane ? lane.waiting.length - 1 : 0
  }

  /** Resolves when it has gone, or has to wait for the registry: who gave it is not held up until that is back. */
  async go(record: CommandRecord): Promise<void> {
    const { chargePointId } = record
    const { promise, resolve: release } = Promise.withResolvers<void>()
    const lane = this.#lanes.get(chargePointId)
    if (lane) {
      lane.waiting.push({ record, release, hasEnded: false })
      if (lane.isStuck) release()
    } else {
      const made: Lane = { waiting: [{ record, release, hasEnded: false }], isStuck: false }
      this.#lanes.set(chargePointId, made)
      void this.#run(chargePointId, made)
    }
    await promise
  }

  /** It has its outcome: it is not tried again. */
  end(record: CommandRecord): void {
    const { chargePointId, commandId } = record
    const found = this.#lanes.get(chargePointId)?.waiting.find((waiting) => waiting.record.commandId === commandId)
    if (found) found.hasEnded = true
  }

  async #run(chargePointId: string, lane: Lane): Promise<void> {
    for (let first = lane.waiting[0]; first; first = lane.waiting[0]) {
      const again = !first.hasEnded && (await this.#tryOne(first.record))
      lane.isStuck = again
      if (again) {
        for (const { release } of lane.waiting) release()
        await wait(this.#deps.clock, retryMs)
      } else {
        lane.waiting.shift()
        first.release()
      }
    }
    this.#lanes.delete(chargePointId)
  }

  /** True: it is to be tried again. */
  async #tryOne(record: CommandRecord): Promise<boolean> {
    const { send, clock, logger } = this.#deps
    const { commandId, expiresAtMs } = record
    try {
      await send(record)
      return false
    } catch (error) {
      const waits = error instanceof GatewayError && error.canRetry && clock.now() < expiresAtMs
      if (waits) logger.debug({ commandId, error }, 'a command waits for the registry')
      else logger.warn({ commandId, error }, 'a command could not be handed over; its deadline settles it')
      return waits
    }
  }
}
