import type { EventLog, LogEntry } from '../ports/event-log.ts'
import type { EventEntry } from '../session/effect.ts'
import type { StageDepth } from './views.ts'

/** Whoever must hear that what it published is on disk. */
export interface DurableWaiter {
  durable(ticket: number): void
}

/** Decides when a waiter whose events are on disk is told: at once, or when the shared bus has them too. */
export interface DurabilityGate {
  /** `position`: that of the last event that the waiter waits for, which is of this charge point. */
  wait(chargePointId: string, position: number, waiter: DurableWaiter, ticket: number): void
}

interface Waiting {
  readonly waiter: DurableWaiter
  readonly ticket: number
  /** How many events of the append come up to the last that it waits for; 0: it published none. */
  readonly events: number
}

export interface PipelineDeps {
  readonly log: EventLog
  /** `event_channels.buffer_size`: how many events may be in memory between socket and disk. */
  readonly capacity: number
  /** Called with true when the capacity is reached, with false when half of it is free again. */
  readonly onPressure: (full: boolean) => void
  /** An append that failed for good (the log was closed under us). */
  readonly onFailure: (error: unknown) => void
  /** Absent: what is on disk is said at once. */
  readonly gate?: DurabilityGate
}

/**
 * From sessions to the log: joins what one turn of the event loop publishes into one append, and tells each waiter when
 * its events are on disk. The two stages share the one capacity, so no smaller queue can hide in between (B2).
 */
export class EventPipeline {
  readonly #deps: PipelineDeps
  #gathered: LogEntry[] = []
  #waiting: Waiting[] = []
  #scheduled = false
  #appending = 0
  #full = false
  #gatheredHighWater = 0
  #appendingHighWater = 0

  #landedListener: ((entries: readonly LogEntry[]) => void) | undefined

  constructor(deps: PipelineDeps) {
    this.#deps = deps
  }

  /** Called with what has come to be on disk, in order. */
  onLanded(listener: (entries: readonly LogEntry[]) => void): void {
    this.#landedListener = listener
  }

  /** True while the capacity is used up: whoever reads sockets stops reading them. */
  get full(): boolean {
    return this.#full
  }

  /** Events that may still come before the capacity is used up. */
  get room(): number {
    return Math.max(0, this.#deps.capacity - this.depth)
  }

  get depth(): number {
    return this.#gathered.length + this.#appending
  }

  stages(): readonly StageDepth[] {
    return [
      { stage: 'gathered', depth: this.#gathered.length, highWater: this.#gatheredHighWater },
      { stage: 'appending', depth: this.#appending, highWater: this.#appendingHighWater }
    ]
  }

  /** Take events in order; with a waiter, say `durable(ticket)` once all of these are on disk. */
  publish(entries: readonly EventEntry[], waiter?: DurableWaiter, ticket = 0): void {
    for (const { event, changes } of entries) {
      this.#gathered.push({ chargePointId: event.subject, type: event.type, text: JSON.stringify(event), changes })
    }
    if (waiter) this.#waiting.push({ waiter, ticket, events: entries.length > 0 ? this.#gathered.length : 0 })
    if (this.#gathered.length > this.#gatheredHighWater) this.#gatheredHighWater = this.#gathered.length
    if (!this.#full && this.depth >= this.#deps.capacity) {
      this.#full = true
      this.#deps.onPressure(true)
    }
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.flush())
  }

  /** Append what was gathered now, so that the node's store shows what it implies. */
  flush(): void {
    this.#scheduled = false
    if (this.#gathered.length === 0 && this.#waiting.length === 0) return
    const entries = this.#gathered
    const waiting = this.#waiting
    this.#gathered = []
    this.#waiting = []
    this.#appending += entries.length
    if (this.#appending > this.#appendingHighWater) this.#appendingHighWater = this.#appending
    this.#deps.log.append(entries).then(
      (position) => this.#landed(entries, waiting, position),
      (error: unknown) => {
        this.#appending -= entries.length
        this.#deps.onFailure(error)
        this.#relieve()
      }
    )
  }

  #landed(entries: readonly LogEntry[], waiting: readonly Waiting[], position: number): void {
    this.#appending -= entries.length
    this.#landedListener?.(entries)
    const { gate } = this.#deps
    for (const { waiter, ticket, events } of waiting) {
      const last = gate && entries[events - 1]
      if (last) gate.wait(last.chargePointId, position - entries.length + events, waiter, ticket)
      else waiter.durable(ticket)
    }
    this.#relieve()
  }

  #relieve(): void {
    if (this.#full && this.depth <= this.#deps.capacity / 2) {
      this.#full = false
      this.#deps.onPressure(false)
    }
  }
}
