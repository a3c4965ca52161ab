// Deep structures (profiles, schedules, needs, curves) stay in the words of OCPP 2.1, of which 2.0.1 is a subset.
import type * as V21 from '../protocol/generated/v21.ts'
import type { AnswerGiven } from './data-station.ts'
import type { IdToken } from './decision.ts'
import type { DeviceTime, EventFacts, Evse, Integer, Open } from './model.ts'

/** One monitor of a variable. */
export interface VariableMonitor {
  readonly id: Integer
  /** True when it is watched only during transactions. */
  readonly transaction: boolean
  readonly value: number
  readonly type: Open<V21.MonitorEnumType>
  /** 0 is the gravest. */
  readonly severity: Integer
  /** Not told by 2.0.1. */
  readonly eventNotificationType?: Open<V21.EventNotificationEnumType>
}

/** The monitors of a variable. */
export interface MonitoredVariable {
  readonly component: V21.ComponentType
  readonly variable: V21.VariableType
  readonly variableMonitoring: readonly VariableMonitor[]
}

/** A part of a report that was asked for. Parts of one report have one `requestId` and rising `seqNo`. */
export interface ReportReceived extends EventFacts {
  readonly report: Open<'variables' | 'monitors' | 'customer_information'>
  readonly requestId: Integer
  readonly seqNo: Integer
  readonly generatedAt: DeviceTime
  /** True when more parts follow. */
  readonly toBeContinued?: boolean
  readonly variables?: readonly V21.ReportDataType[]
  readonly monitors?: readonly MonitoredVariable[]
  /** Customer information. */
  readonly text?: string
}

/** One thing that the station's device model reports of itself. */
export interface MonitoringEvent extends EventFacts {
  readonly eventId: Integer
  readonly deviceTime: DeviceTime
  readonly generatedAt: DeviceTime
  readonly seqNo: Integer
  readonly toBeContinued?: boolean
  readonly trigger: Open<'alerting' | 'delta' | 'periodic'>
  readonly rawTrigger: string
  /** `eventId` of the event that caused this one. */
  readonly cause?: Integer
  readonly value: string
  readonly techCode?: string
  readonly techInfo?: string
  readonly cleared?: boolean
  readonly transactionId?: string
  readonly component: { readonly name: string; readonly instance?: string }
  readonly evse?: Evse
  readonly variable: { readonly name: string; readonly instance?: string }
  readonly variableMonitoringId?: Integer
  readonly notificationType: Open<
    'hard_wired_notification' | 'hard_wired_monitor' | 'preconfigured_monitor' | 'custom_monitor'
  >
  readonly rawNotificationType: string
  /** 0 is the gravest. */
  readonly severity?: Integer
}

/** A station begins to stream the values of a monitored variable. */
export interface MonitoringStreamOpened extends EventFacts {
  readonly streamId: Integer
  readonly variableMonitoringId: Integer
  readonly intervalS?: Integer
  /** How many values are sent at once. */
  readonly values?: Integer
}

/** A station stops a stream. */
export interface MonitoringStreamClosed extends EventFacts {
  readonly streamId: Integer
}

/** Values of a stream. They came unacknowledged (SEND). */
export interface MonitoringStreamValues extends EventFacts {
  readonly streamId: Integer
  /** How many values wait at the station. */
  readonly pending: Integer
  readonly baseTime: DeviceTime
  /** `offsetS`: seconds after `baseTime`. */
  readonly values: readonly { readonly offsetS: number; readonly value: string }[]
}

/** Somebody but the network limits the charging. */
export interface ChargingLimitChanged extends EventFacts {
  readonly evse?: Evse
  readonly source: Open<'ems' | 'other' | 'so' | 'cso'>
  readonly rawSource: string
  readonly isGridCritical?: boolean
  readonly isLocalGeneration?: boolean
  readonly chargingSchedules?: readonly V21.ChargingScheduleType[]
}

/** A limit of somebody but the network has ended. */
export interface ChargingLimitCleared extends EventFacts {
  readonly evse?: Evse
  readonly source: Open<'ems' | 'other' | 'so' | 'cso'>
  readonly rawSource: string
}

/** What an EV needs, by ISO 15118. */
export interface ChargingNeedsReported extends EventFacts {
  readonly evse: Evse
  readonly maxScheduleTuples?: Integer
  readonly deviceTime?: DeviceTime
  readonly chargingNeeds: V21.ChargingNeedsType
  readonly answer: AnswerGiven
}

/** The schedule that an EV has chosen. */
export interface ChargingScheduleChosen extends EventFacts {
  readonly evse: Evse
  readonly timeBase: DeviceTime
  readonly chargingSchedule: V21.ChargingScheduleType
  readonly selectedChargingScheduleId?: Integer
  readonly powerToleranceAcceptance?: boolean
}

/** A station asks for the newest figures of a dynamic profile. */
export interface ChargingScheduleUpdateRequested extends EventFacts {
  readonly chargingProfileId: Integer
  readonly answer: AnswerGiven
}

/** Charging profiles that the station holds. */
export interface ChargingProfilesReported extends EventFacts {
  readonly requestId: Integer
  readonly evse: Evse
  readonly source: Open<'ems' | 'other' | 'so' | 'cso'>
  readonly rawSource: string
  readonly toBeContinued?: boolean
  readonly chargingProfiles: readonly V21.ChargingProfileType[]
}

/** Priority charging was switched on or off at the station. */
export interface ChargingPriorityChanged extends EventFacts {
  readonly transactionId: string
  readonly activated: boolean
}

/** Messages that the station's display holds. */
export interface DisplayMessagesReported extends EventFacts {
  readonly requestId: Integer
  readonly toBeContinued?: boolean
  readonly messages?: readonly V21.MessageInfoType[]
}

/** A payment at the station's terminal was settled, or could not be. */
export interface PaymentSettled extends EventFacts {
  readonly transactionId?: string
  readonly pspRef: string
  readonly status: Open<'settled' | 'canceled' | 'rejected' | 'failed'>
  readonly rawStatus: string
  readonly statusInfo?: string
  readonly settlementAmount: number
  readonly deviceTime: DeviceTime
  readonly receiptId?: string
  readonly receiptUrl?: string
  readonly vatCompany?: V21.AddressType
  readonly vatNumber?: string
}

/** A station asks whether a VAT number is good. */
export interface VatValidationRequested extends EventFacts {
  readonly vatNumber: string
  readonly evse?: Evse
  readonly answer: AnswerGiven
}

/** A grid event has touched a control of distributed energy resources, or has ended. */
export interface DerAlarm extends EventFacts {
  readonly controlType: string
  readonly gridEventFault?: Open<
    | 'current_imbalance'
    | 'local_emergency'
    | 'low_input_power'
    | 'over_current'
    | 'over_frequency'
    | 'over_voltage'
    | 'phase_rotation'
    | 'remote_emergency'
    | 'under_frequency'
    | 'under_voltage'
    | 'voltage_imbalance'
  >
  readonly rawGridEventFault?: string
  readonly alarmEnded?: boolean
  readonly deviceTime: DeviceTime
  readonly extraInfo?: string
}

/** A control of distributed energy resources has started or stopped. */
export interface DerControlChanged extends EventFacts {
  readonly controlId: string
  readonly started: boolean
  readonly deviceTime: DeviceTime
  readonly supersededIds?: readonly string[]
}

/** Controls of distributed energy resources that the station holds. */
export interface DerControlsReported extends EventFacts {
  readonly requestId: Integer
  readonly toBeContinued?: boolean
  readonly curves?: readonly V21.DERCurveGetType[]
  readonly enterService?: readonly V21.EnterServiceGetType[]
  readonly fixedPfAbsorb?: readonly V21.FixedPFGetType[]
  readonly fixedPfInject?: readonly V21.FixedPFGetType[]
  readonly fixedVar?: readonly V21.FixedVarGetType[]
  readonly freqDroop?: readonly V21.FreqDroopGetType[]
  readonly gradients?: readonly V21.GradientGetType[]
  readonly limitMaxDischarge?: readonly V21.LimitMaxDischargeGetType[]
}

/** One battery of a swap. */
export interface SwappedBattery {
  /** The slot. */
  readonly evse: Evse
  readonly serialNumber: string
  /** State of charge. */
  readonly socPercent: number
  /** State of health. */
  readonly sohPercent: number
  readonly productionDate?: DeviceTime
  readonly vendorInfo?: string
}

/** Batteries were put into or taken from a swap station. */
export interface BatterySwapped extends EventFacts {
  readonly event: Open<'battery_in' | 'battery_out' | 'battery_out_timeout'>
  readonly rawEvent: string
  readonly requestId: Integer
  readonly idToken: IdToken
  readonly batteries: readonly SwappedBattery[]
}
