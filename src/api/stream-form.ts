import type { LogRecord } from '../ports/event-log.ts'
import { encodeCursor } from './cursor.ts'
import type { StreamForm } from './event-reader.ts'

/** Server-sent events: the `id` of each message is the cursor behind its event. [WHATWG HTML 9.2] */
export function eventStreamForm(logId: string): StreamForm {
  const id = (position: number): string => `id: ${encodeCursor(logId, position)}\n`
  return {
    contentType: 'text/event-stream; charset=utf-8',
    opening: 'retry: 2000\n\n',
    // An event is JSON without line breaks, so it is one `data` line.
    events: (records) => records.map(({ position, text }) => `${id(position)}data: ${text}\n\n`).join(''),
    // An `id` without data moves the last event id of a client and dispatches nothing.
    heartbeat: (position) => `: heartbeat\n${id(position)}\n`,
    problem: (body) => `event: problem\ndata: ${JSON.stringify(body)}\n\n`,
    closing: (position) => `: the gateway is stopping, resume with Last-Event-ID\n${id(position)}\n`
  }
}

/**
 * One event a line. With `cursors` a line `{"cursor":"..."}` follows each batch and stands for the heartbeat, so that
 * a reader can resume; without, the heartbeat is an empty line.
 */
export function linesForm(logId: string, cursors: boolean): StreamForm {
  const cursor = (position: number): string =>
    cursors ? `${JSON.stringify({ cursor: encodeCursor(logId, position) })}\n` : ''
  const events = (records: readonly LogRecord[], lastPosition: number): string =>
    `${records.map(({ text }) => `${text}\n`).join('')}${cursor(lastPosition)}`
  return {
    contentType: 'application/x-ndjson; charset=utf-8',
    opening: '',
    events,
    heartbeat: (position) => cursor(position) || '\n',
    problem: (body) => `${JSON.stringify({ problem: body })}\n`,
    closing: cursor
  }
}
