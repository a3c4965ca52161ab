import type { LogFields, Logger, LogLevel } from '../../src/ports/logger.ts'

export interface LoggedLine {
  readonly level: LogLevel
  readonly fields: LogFields
  readonly message: string
}

/** A logger that keeps what it was told. */
export function memoryLogger(): Logger & { readonly lines: readonly LoggedLine[] } {
  const lines: LoggedLine[] = []
  const keep =
    (level: LogLevel) =>
    (fields: LogFields, message: string): void => {
      lines.push({ level, fields, message })
    }
  return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') }
}
