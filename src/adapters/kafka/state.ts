import type { Clock } from '../../ports/clock.ts'
import type { SinkState } from '../../ports/event-sink.ts'
import type { Logger } from '../../ports/logger.ts'

export interface StateHolder {
  readonly current: SinkState
  set(kind: SinkState['kind'], detail?: string): void
}

/** Keeps what readiness says; one log line and one report for each change. */
export function createStateHolder(
  what: string,
  deps: { readonly clock: Clock; readonly logger: Logger; readonly onState?: (state: SinkState) => void }
): StateHolder {
  let current: SinkState = { kind: 'starting', sinceMs: deps.clock.now() }
  return {
    get current() {
      return current
    },
    set(kind, detail) {
      if (kind === current.kind && detail === current.detail) return
      const sinceMs = kind === current.kind ? current.sinceMs : deps.clock.now()
      const changed = kind !== current.kind
      current = { kind, sinceMs, ...(detail !== undefined && { detail }) }
      // The same trouble is told anew by each attempt in other words (another address first); only a change of kind is news.
      if (changed) deps.logger[kind === 'up' ? 'info' : 'warn']({ what, state: kind, detail }, `${what}: ${kind}`)
      deps.onState?.(current)
    }
  }
}
