import type { Clock } from '../../ports/clock.ts'
import type { SinkState } from '../../ports/event-sink.ts'
import type { Logger } from '../../ports/logger.ts'
import { type Fault, isOnceIn } from './faults.ts'

export interface StateHolder {
  readonly current: SinkState
  up(): void
  /** `of`: whose fault it is, where several are told as one; the same cause of another is news. */
  fail(fault: Fault, of?: string): void
}

/** Hears of each change, and of the fault as it was found. */
export type OnState = (state: SinkState, fault?: Fault) => void

/** Keeps what readiness says; one log line for each change, and for each cause until it is up; one report for each change. */
export function createStateHolder(
  what: string,
  deps: { readonly clock: Clock; readonly logger: Logger; readonly onState?: OnState }
): StateHolder {
  let current: SinkState = { kind: 'starting', sinceMs: deps.clock.now() }
  let wasIn = false
  /** Causes that were told since it was up. */
  const told = new Set<string>()
  const become = (kind: SinkState['kind'], detail?: string): void => {
    const sinceMs = kind === current.kind ? current.sinceMs : deps.clock.now()
    current = { kind, sinceMs, ...(detail !== undefined && { detail }) }
  }
  return {
    get current() {
      return current
    },
    up() {
      wasIn = true
      told.clear()
      if (current.kind === 'up') return
      become('up')
      deps.logger.info({ what, state: 'up' }, `${what}: up`)
      deps.onState?.(current)
    },
    fail(found, of = '') {
      wasIn ||= isOnceIn(found)
      const fault = (wasIn ? found.onceIn : undefined) ?? found
      const { kind, cause, detail } = fault
      if (kind === current.kind && detail === current.detail) return
      const key = `${of} ${cause}`
      // The same trouble is told anew by each attempt in other words (another address first): that is no news.
      const isNews = kind !== current.kind || !told.has(key)
      become(kind, detail)
      told.add(key)
      if (isNews) deps.logger.warn({ what, state: kind, detail }, `${what}: ${kind}`)
      deps.onState?.(current, found)
    }
  }
}
