import type { OcppVersion } from '../protocol/version.ts'
import type { EventData, EventType, Integer } from './model.ts'

/**
 * A unified event: CloudEvents 1.0, structured JSON. An absent fact is an absent member, never null.
 * `source` + `id` tells repeats; `sequence` is gapless from 1 per charge point and epoch.
 */
export interface GatewayEvent<T extends EventType = EventType> {
  readonly specversion: '1.0'
  readonly id: string
  /** `/charge-points/{id}`, the id percent-encoded. */
  readonly source: string
  readonly type: T
  readonly subject: string
  readonly partitionkey: string
  /** When the gateway received or made it: UTC, milliseconds, Z. */
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly dataschema?: string
  /** The node that made it. */
  readonly node: string
  readonly ocppversion?: OcppVersion
  readonly ocppaction?: string
  readonly ocppmessageid?: string
  /** Absent on events that belong to no session. */
  readonly epoch?: Integer
  /** `{epoch}-{n}`, each ten digits: sorts as text. */
  readonly sequence?: string
  /** The command id, on all that a command caused. */
  readonly correlationid?: string
  readonly data: EventData[T]
}

/** `{epoch}-{n}`, each ten digits. */
export function formatSequence(epoch: number, n: number): string {
  return `${String(epoch).padStart(10, '0')}-${String(n).padStart(10, '0')}`
}

/** CloudEvents source of a charge point. */
export function sourceOf(chargePointId: string): string {
  return `/charge-points/${encodeURIComponent(chargePointId)}`
}

/** What stands around a draft. */
export interface EnvelopeFacts {
  readonly id: string
  readonly chargePointId: string
  readonly time: string
  readonly node: string
  readonly schemaBaseUrl?: string | undefined
  readonly ocppversion?: OcppVersion | undefined
  readonly ocppaction?: string | undefined
  /** As it came: a numeric message id is told as its digits. */
  readonly ocppmessageid?: string | number | undefined
  /** Epoch and number of the event within it, from 1; without the number when nobody knows how far the epoch came. Absent on events that belong to no session. */
  readonly position?: { readonly epoch: number; readonly n?: number } | undefined
  readonly correlationid?: string | undefined
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** The event: the members in the order of the documentation, an absent fact as an absent member. */
export function makeEvent<T extends EventType>(
  draft: { readonly type: T; readonly data: EventData[T] },
  facts: EnvelopeFacts
): GatewayEvent<T> {
  const event: Partial<Mutable<GatewayEvent<T>>> = {
    specversion: '1.0',
    id: facts.id,
    source: sourceOf(facts.chargePointId),
    type: draft.type,
    subject: facts.chargePointId,
    partitionkey: facts.chargePointId,
    time: facts.time,
    datacontenttype: 'application/json'
  }
  if (facts.schemaBaseUrl !== undefined) event.dataschema = `${facts.schemaBaseUrl.replace(/\/$/, '')}/${draft.type}`
  event.node = facts.node
  if (facts.ocppversion !== undefined) event.ocppversion = facts.ocppversion
  if (facts.ocppaction !== undefined) event.ocppaction = facts.ocppaction
  if (facts.ocppmessageid !== undefined) event.ocppmessageid = String(facts.ocppmessageid)
  if (facts.position !== undefined) {
    event.epoch = facts.position.epoch
    if (facts.position.n !== undefined) event.sequence = formatSequence(facts.position.epoch, facts.position.n)
  }
  if (facts.correlationid !== undefined) event.correlationid = facts.correlationid
  event.data = draft.data
  return event as GatewayEvent<T>
}
