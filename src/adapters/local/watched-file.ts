import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'

/** An editor writes in several steps; wait for the last one. */
const settleMs = 100
/** For file systems that tell nothing (NFS, some container mounts). */
const pollMs = 5_000

/**
 * Calls back with the text of a file whenever it may have changed, and with the error when it cannot be read. Watches
 * the folder, not the file: editors replace files, and Kubernetes swaps a symlink beside them.
 */
export function watchFile(
  path: string,
  deps: { readonly clock: Clock; readonly logger: Logger },
  changed: (read: { readonly text: string } | { readonly error: unknown }) => void
): () => void {
  const { clock, logger } = deps
  let seen = signatureOf(path)
  // The first look is for what changed between the caller's own reading and the watch.
  let cancelSettle = clock.after(settleMs, look)
  let cancelPoll = clock.after(pollMs, poll)
  const watcher = openWatcher()

  function look(): void {
    seen = signatureOf(path)
    changed(read(path))
  }

  function poll(): void {
    if (signatureOf(path) !== seen) look()
    cancelPoll = clock.after(pollMs, poll)
  }

  function openWatcher(): FSWatcher | undefined {
    try {
      const opened = watch(dirname(path), { persistent: false }, () => {
        cancelSettle()
        cancelSettle = clock.after(settleMs, look)
      })
      opened.on('error', (error) => logger.warn({ path, error }, 'cannot watch this folder any more; polling it'))
      return opened
    } catch (error) {
      logger.warn({ path, error }, 'cannot watch this folder; polling it')
      return undefined
    }
  }

  return () => {
    watcher?.close()
    cancelSettle()
    cancelPoll()
  }
}

function read(path: string): { readonly text: string } | { readonly error: unknown } {
  try {
    return { text: readFileSync(path, 'utf8') }
  } catch (error) {
    return { error }
  }
}

/** Changes whenever the file does; follows symlinks. */
function signatureOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? `${stat.ino}:${stat.size}:${stat.mtimeMs}` : 'missing'
}
