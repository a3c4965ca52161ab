import type { GatewayEvent } from '../events/envelope.ts'
import type { LogRecord } from '../ports/event-log.ts'
import type { SinkRecord } from '../ports/event-sink.ts'

/** An event that waits to be sent. */
export interface PendingEvent {
  readonly position: number
  readonly appendedAtMs: number
  readonly chargePointId: string
  readonly type: string
  readonly text: string
  /** Value, key and headers in UTF-8. */
  readonly bytes: number
  /** It stands for an event that the bus does not take. */
  readonly isStub: boolean
}

export const contentType = 'application/cloudevents+json; charset=UTF-8'
const idPrefix = '{"specversion":"1.0","id":"'
const stubType = 'event.too_large'
const localHeader = { cpg_delivery: 'local' }
// The header `cpg_delivery` is counted too: it may come in between.
const fixedBytes = Object.entries({
  'content-type': contentType,
  ce_id: '',
  ce_type: '',
  ce_subject: '',
  ...localHeader
})
  .flat()
  .reduce((bytes, text) => bytes + text.length, 0)

function pending(record: Omit<PendingEvent, 'bytes'>): PendingEvent {
  const { chargePointId, type, text } = record
  const idBytes = 36
  return {
    ...record,
    bytes: fixedBytes + idBytes + type.length + 2 * Buffer.byteLength(chargePointId) + Buffer.byteLength(text)
  }
}

/** The event as it goes to the bus: whole, or as a stub when it is known to be too large for it. */
export function pendingOf(record: LogRecord, node: string, recordBytesMax: number): PendingEvent {
  const { position, appendedAtMs, chargePointId, type, text } = record
  const whole = pending({ position, appendedAtMs, chargePointId, type, text, isStub: false })
  return whole.bytes > recordBytesMax ? stubOf(whole, node) : whole
}

/**
 * The same event without its data: consumers see no gap, and read the whole where `keptAt` says. Made anew after a restart
 * it is the same text.
 */
export function stubOf(whole: PendingEvent, node: string): PendingEvent {
  const event: GatewayEvent = JSON.parse(whole.text)
  const stub = {
    ...event,
    type: stubType,
    ...(event.dataschema === undefined ? {} : { dataschema: event.dataschema.slice(0, -whole.type.length) + stubType }),
    data: {
      type: whole.type,
      bytes: Buffer.byteLength(whole.text),
      node,
      keptAt: `GET /v1/events of node ${node}, until its event_log.retention or event_log.bytes_max lets it go`
    }
  } satisfies GatewayEvent<typeof stubType>
  const { position, appendedAtMs, chargePointId } = whole
  return pending({
    position,
    appendedAtMs,
    chargePointId,
    type: stubType,
    text: JSON.stringify(stub),
    isStub: true
  })
}

/** CloudEvents Kafka binding, structured mode, and what consumers filter by without parsing. */
export function sinkRecordOf({ chargePointId, type, text }: PendingEvent, answeredLocally: boolean): SinkRecord {
  const headers = { 'content-type': contentType, ce_id: idOf(text), ce_type: type, ce_subject: chargePointId }
  return { key: chargePointId, value: text, headers: answeredLocally ? { ...headers, ...localHeader } : headers }
}

function idOf(text: string): string {
  // The gateway's own events begin so, and their ids are UUIDs; parsing each of them would cost more than sending it.
  if (text.startsWith(idPrefix)) {
    const id = text.slice(idPrefix.length, text.indexOf('"', idPrefix.length))
    if (!id.includes('\\')) return id
  }
  const { id }: { readonly id?: unknown } = JSON.parse(text)
  return String(id)
}
