import { pino, stdSerializers, stdTimeFunctions } from 'pino'
import { GatewayError } from '../lib/gateway-error.ts'
import type { Logger, LogLevel } from '../ports/logger.ts'
import { createLogChannel } from './log-channel.ts'
import { openLogOutput, writeWhole } from './log-output.ts'
import { prettyLine } from './log-pretty.ts'

export interface LoggerOptions {
  readonly level: LogLevel | 'trace' | 'fatal' | 'silent'
  /** `text`: lines for people; `auto`: those on a terminal, JSON otherwise. */
  readonly format: 'auto' | 'json' | 'text'
  /** `stdout`, `stderr` or the name of a file. */
  readonly output: string
  /** True: a worker writes, and what it cannot keep up with is dropped and counted. False: each line is written at once. */
  readonly async: boolean
  /** Told how many lines were dropped, as they are. */
  readonly onDropped: (lines: number) => void
  /** Characters that may wait for the worker. */
  readonly bufferCharsMax?: number
  /** Facts that stand on every line. */
  readonly base?: Readonly<Record<string, unknown>>
}

export interface ProcessLogger extends Logger {
  /** Writes what is waiting, at most two seconds; nothing is logged after it. An exit without it waits half a second. */
  close(): Promise<void>
}

const bufferCharsDefault = 4 * 1024 * 1024
const closeWithinMs = 2_000

/** The log of the process. Throws a `GatewayError` when the output cannot be opened. */
export function createLogger(options: LoggerOptions): ProcessLogger {
  const output = openLogOutput(options.output)
  const isPretty = options.format === 'text' || (options.format === 'auto' && output.isTerminal)
  const isColoured = output.isTerminal && !process.env.NO_COLOR
  const channel = options.async
    ? createLogChannel({
        fd: output.fd,
        bufferCharsMax: options.bufferCharsMax ?? bufferCharsDefault,
        onDropped: options.onDropped,
        onRecovered: (dropped) =>
          lines.warn({ dropped }, 'log lines were dropped, because log.output did not take them as fast as they came')
      })
    : undefined
  const write =
    channel?.write ??
    ((line: string) => {
      if (!writeWhole(output.fd, line, false)) options.onDropped(1)
    })
  const lines = pino(
    {
      level: options.level,
      base: options.base ?? null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: errorFacts }
    },
    { write: isPretty ? (line: string) => write(prettyLine(line, isColoured)) : write }
  )
  return {
    debug: (fields, message) => lines.debug(fields, message),
    info: (fields, message) => lines.info(fields, message),
    warn: (fields, message) => lines.warn(fields, message),
    error: (fields, message) => lines.error(fields, message),
    async close() {
      await channel?.close(closeWithinMs)
      output.close()
    }
  }
}

/** What may pass by itself (a registry that is away) is a state of the world: where in the code it was met tells nobody anything. */
function errorFacts(error: unknown): unknown {
  if (error instanceof GatewayError && error.canRetry) return `${error.code}: ${error.message}`
  return stdSerializers.err(error as Error)
}
