// What the package gives to those who read events: `import { isEventOf, type GatewayEvent } from 'charge-point-gateway/events'`.
import type { GatewayEvent } from './envelope.ts'
import type { EventType } from './model.ts'

export type * from './data-device.ts'
export type * from './data-gateway.ts'
export type * from './data-station.ts'
export type * from './data-transaction.ts'
export type { AuthorizationStatus, DecidedBy, IdToken, RegistrationStatus } from './decision.ts'
export type { GatewayEvent } from './envelope.ts'
export { eventTypes } from './event-types.ts'
export type { DeviceTime, EventData, EventFacts, EventType, Evse, Integer, Open } from './model.ts'

/** Any event, told apart by `type`. */
export type AnyGatewayEvent = { readonly [T in EventType]: GatewayEvent<T> }[EventType]

/** True when the event has this type; then its data is known. A newer gateway may send types that this list lacks. */
export function isEventOf<T extends EventType>(event: { readonly type: string }, type: T): event is GatewayEvent<T> {
  return event.type === type
}

/** `sequence` as epoch and number. Order a charge point's events by it, never discard by it. */
export function parseSequence(sequence: string): { readonly epoch: number; readonly n: number } | undefined {
  const match = /^(\d{10})-(\d{10})$/.exec(sequence)
  return match ? { epoch: Number(match[1]), n: Number(match[2]) } : undefined
}
