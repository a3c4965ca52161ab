import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { GatewayError } from '../lib/gateway-error.ts'

/** Where log lines go. */
export interface LogOutput {
  readonly fd: number
  readonly isTerminal: boolean
  close(): void
}

/**
 * Opens `stdout`, `stderr` or a file to append to. Its writes do not block, as far as the system lets that be: what
 * cannot be written now fails with EAGAIN.
 */
export function openLogOutput(output: string): LogOutput {
  if (output === 'stdout') return standardOutput(1)
  if (output === 'stderr') return standardOutput(2)
  try {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants
    return ownOutput(openSync(output, O_WRONLY | O_APPEND | O_CREAT | (O_NONBLOCK ?? 0)))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GatewayError('log_output_unusable', `log.output '${output}' cannot be written (${why}): correct it`, {
      cause
    })
  }
}

function ownOutput(fd: number): LogOutput {
  return { fd, isTerminal: isatty(fd), close: () => closeSync(fd) }
}

function standardOutput(fd: 1 | 2): LogOutput {
  if (isatty(fd)) return terminal(fd)
  const stat = fstatSync(fd)
  // Node makes a pipe or a socket non-blocking when it makes the stream of it.
  if (stat.isFIFO() || stat.isSocket()) void (fd === 1 ? process.stdout : process.stderr)
  return { fd, isTerminal: false, close: () => undefined }
}

/** A terminal stalls too (Ctrl-S). Opened anew, so that whoever shares it keeps the mode that he knows. */
function terminal(fd: 1 | 2): LogOutput {
  try {
    return ownOutput(openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY))
  } catch {
    return { fd, isTerminal: true, close: () => undefined }
  }
}

const pauseMsMin = 1
const pauseMsMax = 50
/** A reader that stopped, a terminal that is held. */
const stalls = new Set(['EAGAIN', 'EBUSY', 'EINTR'])
/** A disk that is full. */
const fullDisk = new Set(['ENOSPC', 'EDQUOT'])
const sleepCell = new Int32Array(new SharedArrayBuffer(4))

/**
 * Writes the whole text and waits, in this thread, as long as the output takes nothing; with `waitsForSpace` also while
 * the disk is full. False when the text is lost.
 */
export function writeWhole(fd: number, text: string, waitsForSpace: boolean): boolean {
  const bytes = Buffer.from(text)
  let written = 0
  let pauseMs = pauseMsMin
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written)
      pauseMs = pauseMsMin
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (!stalls.has(code) && !(waitsForSpace && fullDisk.has(code))) return false
      Atomics.wait(sleepCell, 0, 0, pauseMs)
      pauseMs = Math.min(pauseMs * 2, pauseMsMax)
    }
  }
  return true
}
