import type { Calls } from './generated/v21.ts'
import { v201ChargePointActions } from './v201.ts'

export type * from './generated/v21.ts'

/** What an OCPP 2.1 charging station may send as CALL: what 2.0.1 has, and its own. */
export const v21ChargePointActions = [
  ...v201ChargePointActions,
  'BatterySwap',
  'ClosePeriodicEventStream',
  'GetCertificateChainStatus',
  'NotifyDERAlarm',
  'NotifyDERStartStop',
  'NotifyPriorityCharging',
  'NotifySettlement',
  'OpenPeriodicEventStream',
  'PullDynamicScheduleUpdate',
  'ReportDERControl',
  'VatNumberValidation'
] as const satisfies readonly (keyof Calls)[]
/** What it may send as SEND, which is never answered. [Part 4 2.1 4.2.4] */
export const v21ChargePointSends = ['NotifyPeriodicEventStream'] as const satisfies readonly (keyof Calls)[]

export type V21ChargePointAction = (typeof v21ChargePointActions)[number]
export type V21ChargePointSend = (typeof v21ChargePointSends)[number]
/** `response: never` marks the SEND. */
export type V21ChargePointCalls = Pick<Calls, V21ChargePointAction | V21ChargePointSend>

/** What the gateway may send. DataTransfer goes both ways. */
export type V21CentralSystemCalls = Omit<Calls, Exclude<V21ChargePointAction, 'DataTransfer'> | V21ChargePointSend>
