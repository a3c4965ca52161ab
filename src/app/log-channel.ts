import { Worker } from 'node:worker_threads'
import { type LogWorkerData, logCell, logCells } from './log-channel-protocol.ts'

/** A batch goes to the worker at once when it is this long, else at the end of the tick. */
const batchChars = 64 * 1024
/** How long an exit waits for an output that takes nothing. */
const exitWaitMs = 500
const recoveryCheckMs = 200

export interface LogChannel {
  /** Takes one line with its newline. Never waits: a line that finds no room is dropped and counted. */
  write(line: string): void
  /** Writes what there is, at most `withinMs`, and ends. What could not be written is counted as dropped. */
  close(withinMs: number): Promise<void>
}

export interface LogChannelOptions {
  readonly fd: number
  /** Characters that may wait between the caller and the output. */
  readonly bufferCharsMax: number
  readonly onDropped: (lines: number) => void
  /** The output takes lines again after `dropped` were lost: the moment to say so. */
  readonly onRecovered: (dropped: number) => void
}

/**
 * The way of log lines to the thread that writes them: bounded, and never waited for. See
 * docs/adr/0003-logs-through-a-worker.md for why this is neither a pino transport nor sonic-boom.
 */
export function createLogChannel(options: LogChannelOptions): LogChannel {
  const { bufferCharsMax, onDropped } = options
  const cells = new Int32Array(new SharedArrayBuffer(4 * logCells))
  const worker = startWorker({ fd: options.fd, cells })
  let pending = ''
  let pendingLines = 0
  let isScheduled = false
  let sentChars = 0
  let sentLines = 0
  let lostSeen = 0
  let unreported = 0
  let recovery: NodeJS.Timeout | undefined
  let isOpen = true

  /** Characters taken and not written yet. */
  const waiting = (): number => ((sentChars - Atomics.load(cells, logCell.doneChars)) | 0) + pending.length

  function send(): void {
    countLost()
    if (pendingLines === 0) return
    worker.postMessage({ text: pending, lines: pendingLines })
    sentChars = (sentChars + pending.length) | 0
    sentLines = (sentLines + pendingLines) | 0
    pending = ''
    pendingLines = 0
  }

  function drop(lines: number): void {
    unreported += lines
    onDropped(lines)
    recovery ??= setInterval(reportRecovery, recoveryCheckMs).unref()
  }

  /** Lines that the worker had to give up: their output has ended for good, so that there is nowhere to say it. */
  function countLost(): void {
    const lost = Atomics.load(cells, logCell.lostLines)
    if (lost === lostSeen) return
    onDropped((lost - lostSeen) | 0)
    lostSeen = lost
  }

  function reportRecovery(): void {
    if (unreported === 0 || waiting() > bufferCharsMax / 2) return
    clearInterval(recovery)
    recovery = undefined
    const dropped = unreported
    unreported = 0
    options.onRecovered(dropped)
  }

  function write(line: string): void {
    if (!isOpen || waiting() + line.length > bufferCharsMax) {
      drop(1)
      return
    }
    pending += line
    pendingLines += 1
    if (pending.length >= batchChars) send()
    else if (!isScheduled) {
      isScheduled = true
      setImmediate(() => {
        isScheduled = false
        send()
      })
    }
    if (unreported > 0) reportRecovery()
  }

  /** The process is ending and no event loop is left: wait here for the worker, but not for ever. */
  function onExit(): void {
    send()
    const giveUpAtMs = performance.now() + exitWaitMs
    for (;;) {
      const done = Atomics.load(cells, logCell.doneChars)
      const leftMs = giveUpAtMs - performance.now()
      if (((sentChars - done) | 0) <= 0 || leftMs <= 0) return
      Atomics.wait(cells, logCell.doneChars, done, leftMs)
    }
  }
  process.on('exit', onExit)
  worker.on('exit', () => {
    isOpen = false
  })

  return {
    write,
    async close(withinMs) {
      reportRecovery()
      send()
      isOpen = false
      clearInterval(recovery)
      process.off('exit', onExit)
      worker.ref()
      worker.postMessage('close')
      await endOf(worker, withinMs)
      countLost()
      const unwritten = (sentLines - Atomics.load(cells, logCell.doneLines)) | 0
      if (unwritten > 0) onDropped(unwritten)
    }
  }
}

function startWorker(workerData: LogWorkerData): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./log-worker.${extension}`, import.meta.url), {
    name: 'log',
    workerData,
    execArgv: [],
    env: {},
    trackUnmanagedFds: false
  })
  worker.unref()
  return worker
}

/** Resolves when the worker has ended, by force after `withinMs`. */
async function endOf(worker: Worker, withinMs: number): Promise<void> {
  const deadline = setTimeout(() => void worker.terminate(), withinMs)
  await new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  clearTimeout(deadline)
}
