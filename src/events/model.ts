// The unified event model: what the data of each event type is. The JSON Schemas in schemas/events/ are generated from
// these files, comments included (scripts/generate-event-schemas.ts), so a type and its schema cannot differ.
import type * as Device from './data-device.ts'
import type * as Gateway from './data-gateway.ts'
import type * as Station from './data-station.ts'
import type * as Transaction from './data-transaction.ts'

/** A value of an open list: consumers meet the known ones, and must bear with others. */
export type Open<Known extends string> = Known | (string & Record<never, never>)

/** A whole number; so the schemas say. */
export type Integer = number

/** Where at the station. `id` 0 is the station itself or its main meter. `connectorId` is absent when the version does not say. */
export interface Evse {
  readonly id: Integer
  readonly connectorId?: Integer
}

/** A time as a charge point said it: `raw` verbatim, `utc` when it could be read, `skewMs` = device minus gateway. */
export interface DeviceTime {
  readonly raw: string
  readonly utc?: string
  readonly skewMs?: Integer
}

/** What any event may say about itself. */
export interface EventFacts {
  /** Each leniency that was applied and each oddity (`orphaned`, `deviceTime.noZone`, ...). */
  readonly flags?: readonly string[]
  /** The id of the event that this one repeats. A repeat is complete and stands alone. */
  readonly duplicateOf?: string
  /**
   * The payload of the CALL, when the unified form does not tell all of it (unknown members, customData, a flag), or as
   * `events.include_raw` says. When one CALL makes several events, on the first.
   */
  readonly raw?: unknown
}

/** Data of every event type, by type. */
export interface EventData {
  readonly 'charge_point.connected': Gateway.ChargePointConnected
  readonly 'charge_point.disconnected': Gateway.ChargePointDisconnected
  readonly 'charge_point.booted': Station.ChargePointBooted
  readonly 'charge_point.status_changed': Station.ChargePointStatusChanged
  readonly 'evse.status_changed': Station.EvseStatusChanged
  readonly 'connector.status_changed': Station.ConnectorStatusChanged
  readonly 'transaction.started': Transaction.TransactionStarted
  readonly 'transaction.updated': Transaction.TransactionUpdated
  readonly 'transaction.ended': Transaction.TransactionEnded
  readonly 'meter.values': Transaction.MeterValuesReported
  readonly 'authorization.decided': Transaction.AuthorizationDecided
  readonly 'data_transfer.received': Station.DataTransferReceived
  readonly 'firmware.status_changed': Station.FirmwareStatusChanged
  readonly 'firmware.publication_status_changed': Station.FirmwarePublicationStatusChanged
  readonly 'diagnostics.status_changed': Station.DiagnosticsStatusChanged
  readonly 'security.event': Station.SecurityEvent
  readonly 'certificate.requested': Station.CertificateRequested
  readonly 'report.received': Device.ReportReceived
  readonly 'monitoring.event': Device.MonitoringEvent
  readonly 'monitoring.stream_opened': Device.MonitoringStreamOpened
  readonly 'monitoring.stream_closed': Device.MonitoringStreamClosed
  readonly 'monitoring.stream_values': Device.MonitoringStreamValues
  readonly 'charging.limit_changed': Device.ChargingLimitChanged
  readonly 'charging.limit_cleared': Device.ChargingLimitCleared
  readonly 'charging.needs_reported': Device.ChargingNeedsReported
  readonly 'charging.schedule_chosen': Device.ChargingScheduleChosen
  readonly 'charging.schedule_update_requested': Device.ChargingScheduleUpdateRequested
  readonly 'charging.profiles_reported': Device.ChargingProfilesReported
  readonly 'charging.priority_changed': Device.ChargingPriorityChanged
  readonly 'reservation.status_changed': Station.ReservationStatusChanged
  readonly 'display.messages_reported': Device.DisplayMessagesReported
  readonly 'payment.settled': Device.PaymentSettled
  readonly 'payment.vat_validation_requested': Device.VatValidationRequested
  readonly 'der.alarm': Device.DerAlarm
  readonly 'der.control_changed': Device.DerControlChanged
  readonly 'der.controls_reported': Device.DerControlsReported
  readonly 'battery.swapped': Device.BatterySwapped
  readonly 'command.outcome': Gateway.CommandOutcomeData
  readonly 'command.late_answer': Gateway.CommandLateAnswer
  readonly 'protocol.violation': Gateway.ProtocolViolation
  readonly 'connection.refused': Gateway.ConnectionRefused
  readonly 'identity.shared': Gateway.IdentityShared
  readonly 'event.too_large': Gateway.EventTooLarge
}
export type EventType = keyof EventData

/** What a row makes of a CALL; the session puts the envelope around it. */
export type EventDraft = { readonly [T in EventType]: { readonly type: T; readonly data: EventData[T] } }[EventType]
