import type { Calls } from './generated/v16.ts'

export type * from './generated/v16.ts'

/** What an OCPP 1.6 charge point may send, security extensions included. */
export const v16ChargePointActions = [
  'Authorize',
  'BootNotification',
  'DataTransfer',
  'DiagnosticsStatusNotification',
  'FirmwareStatusNotification',
  'Heartbeat',
  'LogStatusNotification',
  'MeterValues',
  'SecurityEventNotification',
  'SignCertificate',
  'SignedFirmwareStatusNotification',
  'StartTransaction',
  'StatusNotification',
  'StopTransaction'
] as const satisfies readonly (keyof Calls)[]
export type V16ChargePointAction = (typeof v16ChargePointActions)[number]
export type V16ChargePointCalls = Pick<Calls, V16ChargePointAction>

/** What the gateway may send. DataTransfer goes both ways. */
export type V16CentralSystemCalls = Omit<Calls, Exclude<V16ChargePointAction, 'DataTransfer'>>
