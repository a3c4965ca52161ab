import type { Clock } from '../../ports/clock.ts'
import type { SinkState } from '../../ports/event-sink.ts'
import type { Logger } from '../../ports/logger.ts'
import { explain, type RedisFault } from './faults.ts'

export interface RedisHealthDeps {
  readonly hosts: readonly string[]
  readonly clock: Clock
  readonly logger: Logger
}

interface Trouble {
  readonly fault: RedisFault
  readonly home: string
  readonly use: string
  readonly atMs: number
}

/** Refusals of what was asked, by a server that serves everything else: a right that is missing, no memory for a write. */
const ofOneUse = /^(?:NOPERM|OOM|WRONGTYPE|ERR) /
const worked = 'see whether Redis runs and can be reached from here; the gateway comes back by itself'
/** A use that was refused and not tried again since is taken for mended. */
const forgetUseMs = 60_000

/** What readiness and the log say of Redis: one line for each change, and for each cause within an outage. */
export class RedisHealth {
  readonly #deps: RedisHealthDeps
  /** By server, or by server and use. While there is any, Redis is not up. */
  readonly #troubles = new Map<string, Trouble>()
  /** What was told since it was up. */
  readonly #told = new Set<string>()
  #state: SinkState
  #fault: RedisFault | undefined
  #everUp = false

  constructor(deps: RedisHealthDeps) {
    this.#deps = deps
    this.#state = { kind: 'starting', sinceMs: deps.clock.now() }
  }

  get state(): SinkState {
    return this.#state
  }

  /** The last thing that was wrong. */
  get fault(): RedisFault | undefined {
    return this.#fault
  }

  /** A server has carried out what was asked. */
  answered(home: string, use: string): void {
    this.#troubles.delete(home)
    this.#troubles.delete(keyOf(home, use))
    if (this.#state.kind === 'up') return
    const nowMs = this.#deps.clock.now()
    for (const [key, { atMs, ...of }] of this.#troubles)
      if (key !== of.home && nowMs - atMs > forgetUseMs) this.#troubles.delete(key)
    const [left] = this.#troubles.values()
    if (left) this.#become(left.fault)
    else this.#up(nowMs)
  }

  /** A server did not, and this is what was said; or nobody knows which server it was. */
  failed(said: string, where?: { readonly home: string; readonly use: string }): void {
    const found = explain(said, this.#deps.hosts)
    // Settings that worked are not the first thing to look at.
    const fault = this.#everUp && found.kind === 'down' && found.isOfNetwork ? { ...found, remedy: worked } : found
    if (where) {
      const key = ofOneUse.test(said) ? keyOf(where.home, where.use) : where.home
      this.#troubles.set(key, { fault, ...where, atMs: this.#deps.clock.now() })
    }
    this.#become(fault)
  }

  /** Servers that no longer serve anything fail no more; without a list: none of them. */
  forgetOthers(homes: readonly string[] = []): void {
    for (const [key, { home }] of this.#troubles) if (!homes.includes(home)) this.#troubles.delete(key)
  }

  #become(fault: RedisFault): void {
    const { clock, logger } = this.#deps
    const { kind, what, remedy } = fault
    const wasAway = this.#state.kind === 'down' || this.#state.kind === 'misconfigured'
    this.#fault = fault
    this.#state = { kind, sinceMs: wasAway ? this.#state.sinceMs : clock.now(), detail: `${what}: ${remedy}` }
    // Of an outage each attempt tells in other words; what needs somebody's hand is news all the same.
    if (this.#told.has(remedy) || (kind === 'down' && this.#told.size > 0)) return
    this.#told.add(remedy)
    logger.warn({ detail: this.#state.detail }, kind === 'misconfigured' ? 'Redis cannot be used' : 'Redis is away')
  }

  #up(nowMs: number): void {
    const afterMs = nowMs - this.#state.sinceMs
    this.#state = { kind: 'up', sinceMs: nowMs }
    this.#told.clear()
    this.#deps.logger.info({ afterMs }, this.#everUp ? 'Redis is back' : 'Redis is reached')
    this.#everUp = true
  }
}

function keyOf(home: string, use: string): string {
  return `${home}\n${use}`
}
