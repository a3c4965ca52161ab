export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Facts beside the message: `{ chargePointId, epoch, reason }`. An `Error` goes in as `error`. */
export type LogFields = Readonly<Record<string, unknown>>

/** One line per change of state; nothing per message at `info` or above. Never throws, never blocks the event loop. */
export type Logger = Readonly<Record<LogLevel, (fields: LogFields, message: string) => void>>
