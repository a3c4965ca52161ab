import type { OcppVersion } from '../protocol/version.ts'
import type { EventData, EventType } from './model.ts'

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
  readonly epoch?: number
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
