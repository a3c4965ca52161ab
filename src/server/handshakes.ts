import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Refusal } from '../gateway/refusals.ts'
import type { Admitted, Gatekeeper, Handshake } from '../gateway/wire.ts'
import type { Clock } from '../ports/clock.ts'

/** A usable upgrade request that waits for its answer. */
export interface PendingUpgrade {
  readonly request: IncomingMessage
  readonly stream: Duplex
  readonly head: Buffer
  readonly handshake: Handshake
  readonly deflateOffer: string | undefined
}

export type AdmittedUpgrade = Extract<Admitted, { readonly ok: true }>

export interface HandshakesSettings {
  readonly clock: Clock
  readonly handshakesMax: number
  readonly handshakeTimeoutMs: number
  readonly admit: Gatekeeper['admit']
  /** The gatekeeper says yes and the peer is still there. */
  readonly accept: (pending: PendingUpgrade, admitted: AdmittedUpgrade) => void
  readonly refuse: (pending: PendingUpgrade, refusal: Refusal) => void
  readonly onError: (pending: PendingUpgrade, error: unknown) => void
}

/** One pending upgrade with its deadline and an ear on its socket. */
class Waiting {
  readonly pending: PendingUpgrade
  done = false
  readonly #cancelDeadline: () => void
  readonly #onGone: () => void

  constructor(pending: PendingUpgrade, clock: Clock, timeoutMs: number, onTimeout: () => void, onGone: () => void) {
    this.pending = pending
    this.#cancelDeadline = clock.after(timeoutMs, onTimeout)
    this.#onGone = onGone
    pending.stream.on('close', onGone)
  }

  /** True for the first caller: whoever it is deals with the socket. */
  finish(): boolean {
    if (this.done) return false
    this.done = true
    this.#cancelDeadline()
    this.pending.stream.removeListener('close', this.#onGone)
    return true
  }
}

/**
 * Upgrades between the request and the 101. A bounded number is with the gatekeeper; the rest wait in order of arrival,
 * because a herd that comes back after a restart should be admitted at a bounded rate, not refused. Every one ends by
 * its deadline. (Wire rule 57.)
 */
export class Handshakes {
  readonly #settings: HandshakesSettings
  readonly #open = new Set<Waiting>()
  readonly #queue = new Set<Waiting>()
  #asking = 0

  constructor(settings: HandshakesSettings) {
    this.#settings = settings
  }

  /** Upgrades that may still become connections. */
  get size(): number {
    return this.#open.size
  }

  begin(pending: PendingUpgrade): void {
    const { clock, handshakeTimeoutMs } = this.#settings
    const waiting: Waiting = new Waiting(
      pending,
      clock,
      handshakeTimeoutMs,
      () => this.#refuse(waiting, { code: 'not_available', detail: 'no answer within server.handshake_timeout' }),
      () => this.#finish(waiting)
    )
    this.#open.add(waiting)
    if (this.#asking < this.#settings.handshakesMax) this.#ask(waiting)
    else this.#queue.add(waiting)
  }

  refuseAll(refusal: Refusal): void {
    for (const waiting of [...this.#open]) this.#refuse(waiting, refusal)
  }

  #finish(waiting: Waiting): boolean {
    this.#open.delete(waiting)
    this.#queue.delete(waiting)
    return waiting.finish()
  }

  #refuse(waiting: Waiting, refusal: Refusal): void {
    if (this.#finish(waiting)) this.#settings.refuse(waiting.pending, refusal)
  }

  async #ask(waiting: Waiting): Promise<void> {
    this.#asking++
    try {
      const admitted = await this.#settings.admit(waiting.pending.handshake)
      if (!admitted.ok) this.#refuse(waiting, admitted.refusal)
      else if (this.#finish(waiting)) this.#settings.accept(waiting.pending, admitted)
      else admitted.abandon()
    } catch (error) {
      this.#settings.onError(waiting.pending, error)
      this.#refuse(waiting, { code: 'internal_error' })
    }
    this.#asking--
    const [next] = this.#queue
    if (next === undefined) return
    this.#queue.delete(next)
    this.#ask(next)
  }
}
