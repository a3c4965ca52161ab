import type { Clock } from '../ports/clock.ts'

/** Resolves after `ms` milliseconds of the node's clock. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}
