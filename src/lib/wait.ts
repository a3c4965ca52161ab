/** What waiting needs of the `Clock` of the ports. */
interface Timers {
  after(delayMs: number, callback: () => void): () => void
}

/** Resolves after `delayMs` of this clock, or at once when the signal is aborted; it never rejects. */
export function wait(clock: Timers, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(delayMs, done)
    signal?.addEventListener('abort', done)
  })
}

/** 0.25 s, 0.5 s, ... up to `maxMs`, by how often it failed in a row (from 1), spread by a fifth so that nodes do not march in step. */
export function backOffMs(failures: number, maxMs = 5000): number {
  return Math.min(250 * 2 ** Math.min(failures - 1, 16), maxMs) * (0.8 + 0.4 * Math.random())
}

/** `work`, but no longer than `limitMs`: what a dead peer holds open is left behind. Its fault is handed over, never thrown. */
export async function within(
  clock: Timers,
  limitMs: number,
  work: Promise<unknown>,
  onFault: (error: unknown) => void
): Promise<void> {
  const over = new AbortController()
  await Promise.race([work.catch(onFault), wait(clock, limitMs, over.signal)])
  over.abort()
}

/** `work`, unless the signal is aborted first: then it rejects with the signal's reason, and how `work` ends is of no interest. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
