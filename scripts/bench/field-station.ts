import { setTimeout as delay } from 'node:timers/promises'
import { Station } from '../../test/support/station.ts'

export interface FieldStationOptions {
  readonly id: string
  readonly backOffMs: number
  /** Where a living gateway is. */
  readonly pickUrl: () => string
}

/** A charge point that comes back after each loss of its connection, once its back-off has passed. */
export class FieldStation {
  readonly id: string
  readonly #options: FieldStationOptions
  readonly #run: Promise<void>
  #station: Station | undefined
  #stopped = false
  #commandsBefore = 0
  #accepted = Promise.withResolvers<number>()

  constructor(options: FieldStationOptions) {
    this.id = options.id
    this.#options = options
    this.#run = this.#live()
  }

  /** Resolves when it is accepted, with the time of that; after a loss that it has noticed, with that of the next time. */
  get accepted(): Promise<number> {
    return this.#accepted.promise
  }

  /** Commands that it has seen, over all of its connections. */
  get commands(): number {
    return this.#commandsBefore + (this.#station?.received.length ?? 0)
  }

  /** The next `accepted` is that of another connection. */
  expectLoss(): void {
    this.#accepted = Promise.withResolvers()
  }

  async close(): Promise<void> {
    this.#stopped = true
    this.#station?.terminate()
    await this.#run
  }

  async #live(): Promise<void> {
    while (!this.#stopped) {
      await this.#once()
      if (!this.#stopped) await delay(this.#options.backOffMs)
    }
  }

  async #once(): Promise<void> {
    const { id, pickUrl } = this.#options
    try {
      const station = await Station.connect({ url: pickUrl(), id })
      this.#station = station
      const answer = await station.boot()
      if (answer.ok) this.#accepted.resolve(performance.now())
      await station.closed
    } catch {
      // Nobody listened, or the connection broke before the boot was answered: it tries again, as it does in the field.
    }
    this.#commandsBefore = this.commands
    this.#station = undefined
  }
}
