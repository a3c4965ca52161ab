import type { EventLog, LogRange } from '../ports/event-log.ts'

export type CursorFault =
  | { readonly ok: false; readonly code: 'cursor_unreadable' | 'cursor_of_another_log'; readonly detail: string }
  | { readonly ok: false; readonly code: 'cursor_trimmed'; readonly detail: string; readonly oldest: string }

export type CursorRead = { readonly ok: true; readonly position: number } | CursorFault

/** An opaque place in a log: what comes after `position` is still to be read. */
export function encodeCursor(logId: string, position: number): string {
  return Buffer.from(`${position}@${logId}`).toString('base64url')
}

/** The cursor from which every event that is kept is still to come. */
export function oldestCursor(log: EventLog): string {
  return encodeCursor(log.id, log.range().oldest - 1)
}

/** `Buffer.from` forgives any text; only what encodes back to itself is a cursor. */
function decodeCursor(text: string): { readonly logId: string; readonly position: number } | undefined {
  const plain = Buffer.from(text, 'base64url').toString()
  const [, digits, logId] = /^(0|[1-9]\d{0,15})@([\x21-\x7e]+)$/.exec(plain) ?? []
  if (digits === undefined || logId === undefined) return undefined
  const position = Number(digits)
  return encodeCursor(logId, position) === text ? { logId, position } : undefined
}

/** Where to read on. `oldest` and `latest` are words for the ends of the log; undefined is `oldest`. */
export function readCursor(log: EventLog, text: string | undefined): CursorRead {
  const range = log.range()
  if (text === undefined || text === 'oldest') return { ok: true, position: range.oldest - 1 }
  if (text === 'latest') return { ok: true, position: range.durable }
  const cursor = decodeCursor(text)
  if (!cursor) return { ok: false, code: 'cursor_unreadable', detail: `\`${text.slice(0, 100)}\` is no cursor` }
  if (cursor.logId !== log.id)
    return {
      ok: false,
      code: 'cursor_of_another_log',
      detail: `the cursor is of log ${cursor.logId}, this is log ${log.id}`
    }
  if (cursor.position > range.durable)
    return {
      ok: false,
      code: 'cursor_of_another_log',
      detail: `the cursor lies behind the end of log ${log.id}: the log was restored from an older copy`
    }
  if (isTrimmed(range, cursor.position)) return trimmed(log)
  return { ok: true, position: cursor.position }
}

/** True when an event after `position` has been removed already. */
export function isTrimmed(range: LogRange, position: number): boolean {
  return position < range.oldest - 1
}

export function trimmed(log: EventLog): CursorFault {
  return {
    ok: false,
    code: 'cursor_trimmed',
    detail: 'events after this cursor were removed by retention',
    oldest: oldestCursor(log)
  }
}
