import type { Clock } from '../ports/clock.ts'
import type { CommandRecord } from '../ports/records.ts'

export interface OutcomeWatchDeps {
  readonly clock: Clock
  readonly get: () => Promise<CommandRecord | undefined>
  readonly found: (record: CommandRecord) => void
}

const firstLookMs = 5
const lookEveryMs = 250

/**
 * Looks for the outcome of a command that another node may settle: that node tells nobody but the ledger. Looks often at
 * first, since most outcomes come within milliseconds. Gives what ends it.
 */
export function watchOutcome({ clock, get, found }: OutcomeWatchDeps): () => void {
  let isOver = false
  let cancel: () => void = () => undefined
  const lookAfter = (pauseMs: number) => {
    if (isOver) return
    // A ledger that is away now may be there the next time; whoever waits has a limit of his own.
    const again = () => lookAfter(Math.min(2 * pauseMs, lookEveryMs))
    cancel = clock.after(pauseMs, () => {
      get().then((record) => (record?.state === 'settled' ? found(record) : again()), again)
    })
  }
  lookAfter(firstLookMs)
  return () => {
    isOver = true
    cancel()
  }
}
