import { wait } from '../lib/wait.ts'
import type { Clock } from '../ports/clock.ts'
import type { LiveConversation } from './conversation.ts'

export interface TakeoverWatchDeps {
  readonly clock: Clock
  /** `limits.takeovers_max` in ten minutes; more are a sign of two stations with one identity. */
  readonly takeoversMax: number
  /** How long the handshake of an identity that is fought over is held back; less than the time that it has. */
  readonly dampMs: number
  readonly onShared: (chargePointId: string, about: SharedIdentity) => void
}

export interface SharedIdentity {
  readonly remoteAddresses: readonly string[]
  readonly serialNumbers?: readonly string[]
  readonly takeovers: number
  readonly windowMs: number
}

interface Takeovers {
  readonly timesMs: number[]
  readonly addresses: Set<string>
  readonly serialNumbers: Set<string>
  saidAtMs: number
}

/** Addresses and serial numbers kept per charge point. */
const namesMax = 10
const windowMs = 600_000
/** Charge points watched at one time; the oldest is forgotten first. */
const watchedMax = 10_000

/**
 * Sees two stations that share one identity: they take each other's connection over, again and again, from differing
 * addresses or with differing serial numbers. It says so once per window and slows their handshakes down. [wire-rules D9]
 */
export class TakeoverWatch {
  readonly #deps: TakeoverWatchDeps
  readonly #byId = new Map<string, Takeovers>()

  constructor(deps: TakeoverWatchDeps) {
    this.#deps = deps
  }

  /** The live conversation is about to be displaced from `remoteAddress`. */
  saw(displaced: LiveConversation, remoteAddress: string): void {
    const { chargePointId } = displaced.session
    const nowMs = this.#deps.clock.now()
    const seen = this.#byId.get(chargePointId) ?? nothingSeen()
    this.#byId.delete(chargePointId)
    this.#byId.set(chargePointId, seen)
    if (this.#byId.size > watchedMax) this.#byId.delete(this.#byId.keys().next().value ?? '')
    seen.timesMs.push(nowMs)
    while ((seen.timesMs[0] ?? nowMs) < nowMs - windowMs || seen.timesMs.length > this.#deps.takeoversMax + 1)
      seen.timesMs.shift()
    if (seen.timesMs.length === 1) {
      seen.addresses.clear()
      seen.serialNumbers.clear()
    }
    const { serialNumber } = displaced.session.record
    if (seen.addresses.size < namesMax) seen.addresses.add(displaced.remoteAddress).add(remoteAddress)
    if (serialNumber && seen.serialNumbers.size < namesMax) seen.serialNumbers.add(serialNumber)
    if (!this.#shared(seen, nowMs) || nowMs - seen.saidAtMs < windowMs) return
    seen.saidAtMs = nowMs
    this.#deps.onShared(chargePointId, {
      remoteAddresses: [...seen.addresses],
      ...(seen.serialNumbers.size === 0 ? {} : { serialNumbers: [...seen.serialNumbers] }),
      takeovers: seen.timesMs.length,
      windowMs
    })
  }

  /** Holds a handshake back for a few seconds while its identity is being fought over. */
  damp(chargePointId: string): Promise<void> | undefined {
    const seen = this.#byId.get(chargePointId)
    if (!seen || !this.#shared(seen, this.#deps.clock.now())) return undefined
    return wait(this.#deps.clock, this.#deps.dampMs)
  }

  #shared(seen: Takeovers, nowMs: number): boolean {
    const recent = seen.timesMs.filter((atMs) => atMs >= nowMs - windowMs).length
    return recent > this.#deps.takeoversMax && (seen.addresses.size > 1 || seen.serialNumbers.size > 1)
  }
}

function nothingSeen(): Takeovers {
  return { timesMs: [], addresses: new Set(), serialNumbers: new Set(), saidAtMs: Number.NEGATIVE_INFINITY }
}
