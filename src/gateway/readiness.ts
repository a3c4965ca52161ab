import type { Clock } from '../ports/clock.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { DependencyState, NodeView } from './views.ts'

/** Says whether charge points may be sent here, and in plain words why not. */
export class Readiness {
  readonly #clock: Clock
  readonly #log: EventLog
  #phase: 'starting' | 'running' | 'stopping' = 'starting'
  #logState: DependencyState['state'] = 'up'
  #logSinceMs: number
  readonly #others: (() => DependencyState)[] = []

  constructor({ clock, log }: { readonly clock: Clock; readonly log: EventLog }) {
    this.#clock = clock
    this.#log = log
    this.#logSinceMs = clock.now()
  }

  /** Shown beside the log. A node goes on without them, so they do not make it unready. */
  dependsOn(dependency: () => DependencyState): void {
    this.#others.push(dependency)
  }

  started(): void {
    this.#phase = 'running'
  }

  stopping(): void {
    this.#phase = 'stopping'
  }

  get isStopping(): boolean {
    return this.#phase === 'stopping'
  }

  report(): ReturnType<NodeView['readiness']> {
    const log = this.eventLog()
    const reasons = [
      ...(this.#phase === 'starting' ? ['the gateway is starting'] : []),
      ...(this.#phase === 'stopping' ? ['the gateway is stopping'] : []),
      ...(log.state === 'up' ? [] : [log.detail ?? log.name])
    ]
    return { ready: reasons.length === 0, reasons, dependencies: [log, ...this.#others.map((state) => state())] }
  }

  eventLog(): DependencyState {
    const { full, heldBy, failing } = this.#log.state()
    const state = failing ? 'down' : full ? 'degraded' : 'up'
    if (state !== this.#logState) {
      this.#logState = state
      this.#logSinceMs = failing?.sinceMs ?? this.#clock.now()
    }
    const detail = failing
      ? `the event log cannot be written (${failing.error}); charge points wait and nothing is lost; free space or mend the disk`
      : `the event log is at event_log.bytes_max and held by ${heldBy.join(', ')}; charge points wait; let these consumers read on or raise the limit`
    return { name: 'event_log', state, sinceMs: this.#logSinceMs, ...(state === 'up' ? {} : { detail }) }
  }
}
