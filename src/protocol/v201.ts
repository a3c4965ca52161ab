import type { Calls } from './generated/v201.ts'

export type * from './generated/v201.ts'

/** What an OCPP 2.0.1 charging station may send. */
export const v201ChargePointActions = [
  'Authorize',
  'BootNotification',
  'ClearedChargingLimit',
  'DataTransfer',
  'FirmwareStatusNotification',
  'Get15118EVCertificate',
  'GetCertificateStatus',
  'Heartbeat',
  'LogStatusNotification',
  'MeterValues',
  'NotifyChargingLimit',
  'NotifyCustomerInformation',
  'NotifyDisplayMessages',
  'NotifyEVChargingNeeds',
  'NotifyEVChargingSchedule',
  'NotifyEvent',
  'NotifyMonitoringReport',
  'NotifyReport',
  'PublishFirmwareStatusNotification',
  'ReportChargingProfiles',
  'ReservationStatusUpdate',
  'SecurityEventNotification',
  'SignCertificate',
  'StatusNotification',
  'TransactionEvent'
] as const satisfies readonly (keyof Calls)[]
export type V201ChargePointAction = (typeof v201ChargePointActions)[number]
export type V201ChargePointCalls = Pick<Calls, V201ChargePointAction>

/** What the gateway may send. DataTransfer goes both ways. */
export type V201CentralSystemCalls = Omit<Calls, Exclude<V201ChargePointAction, 'DataTransfer'>>
