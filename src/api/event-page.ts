import { setImmediate } from 'node:timers/promises'
import type { EventLog } from '../ports/event-log.ts'
import { type CursorFault, isTrimmed, trimmed } from './cursor.ts'
import type { EventFilter } from './event-filter.ts'

/** Records read in one go, without yielding to the sockets. */
const chunkRecords = 256
const chunkBytes = 256 * 1024
/** A page ends here even when it could hold more events. */
const pageBytesMax = 4 * 1024 * 1024

export interface EventPage {
  readonly ok: true
  /** Events byte for byte as they were stored. */
  readonly texts: readonly string[]
  /** The last position that was looked at, also when the filter dropped it. */
  readonly position: number
  /** True when there was more to read at the time. */
  readonly more: boolean
}

/** Read on from `after` until `limit` events are found, `scanMax` were looked at or the log ends. */
export async function readPage(
  log: EventLog,
  options: { readonly after: number; readonly filter: EventFilter; readonly limit: number; readonly scanMax: number }
): Promise<EventPage | CursorFault> {
  const texts: string[] = []
  let position = options.after
  let bytes = 0
  while (texts.length < options.limit && bytes < pageBytesMax && position - options.after < options.scanMax) {
    if (position > options.after) await setImmediate()
    // What was found before retention went past is still whole: it is served, and the next page says 410.
    if (isTrimmed(log.range(), position)) {
      if (position === options.after) return trimmed(log)
      break
    }
    const scanLeft = options.scanMax - (position - options.after)
    const records = log.read(position, Math.min(chunkRecords, scanLeft), chunkBytes)
    if (records.length === 0) break
    for (const record of records) {
      position = record.position
      if (!options.filter(record)) continue
      texts.push(record.text)
      bytes += record.text.length
      if (texts.length === options.limit) break
    }
  }
  return { ok: true, texts, position, more: position < log.range().durable }
}
