/** The longest delay that `setTimeout` takes; it fires a longer one at once. */
const timeoutMsMax = 2 ** 31 - 1

/**
 * The `Clock` of a running process. `now` stands still while the wall clock is behind what was told before. Its timers
 * do not keep the process alive: open sockets and the store do.
 */
export function createSystemClock(wall: () => number = Date.now): {
  now(): number
  after(delayMs: number, callback: () => void): () => void
} {
  let highestMs = 0
  return {
    now() {
      const wallMs = wall()
      if (wallMs > highestMs) highestMs = wallMs
      return highestMs
    },
    after(delayMs, callback) {
      let timer: NodeJS.Timeout
      const arm = (leftMs: number): void => {
        const stepMs = Math.min(Math.max(leftMs, 0), timeoutMsMax)
        timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : callback()), stepMs)
        timer.unref()
      }
      arm(delayMs)
      return () => clearTimeout(timer)
    }
  }
}
