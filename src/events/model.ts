// The unified event model. The contract types below are fixed; the data of each event type is in EventData.

/** `id` 0 is the station itself or its main meter. `connectorId` is absent when the version does not say. */
export interface Evse {
  readonly id: number
  readonly connectorId?: number
}

/** A time as a charge point said it: `raw` verbatim, `utc` when it could be read, `skewMs` = device minus gateway. */
export interface DeviceTime {
  readonly raw: string
  readonly utc?: string
  readonly skewMs?: number
}

/** Data of every event type, by type. */
export interface EventData {
  readonly 'charge_point.connected': Readonly<Record<string, unknown>>
}
export type EventType = keyof EventData

/** What a row makes of a CALL; the session puts the envelope around it. */
export type EventDraft = { readonly [T in EventType]: { readonly type: T; readonly data: EventData[T] } }[EventType]
