import type * as V21 from '../protocol/generated/v21.ts'
import type { AuthorizationStatus, DecidedBy, IdToken } from './decision.ts'
import type { DeviceTime, EventFacts, Evse, Integer, Open } from './model.ts'

/** A decision about an id token. */
export interface Authorization {
  readonly status: Open<AuthorizationStatus>
  readonly decidedBy: Open<DecidedBy>
  /** UTC. */
  readonly expiresAt?: string
  readonly parentIdToken?: IdToken
}

/** Data that a meter has signed, as it came. */
export interface SignedReading {
  readonly data: string
  readonly method?: string
  readonly encoding?: string
  readonly publicKey?: string
}

/** One reading of one quantity. */
export interface MeterSample {
  readonly measurand: Open<
    | 'Energy.Active.Import.Register'
    | 'Energy.Active.Export.Register'
    | 'Energy.Active.Import.Interval'
    | 'Energy.Active.Export.Interval'
    | 'Power.Active.Import'
    | 'Power.Active.Export'
    | 'Power.Offered'
    | 'Current.Import'
    | 'Current.Export'
    | 'Current.Offered'
    | 'Voltage'
    | 'Frequency'
    | 'Temperature'
    | 'SoC'
  >
  /** In `unit`. Absent when the reading is no number: then `rawValue` or `signed` has it. */
  readonly value?: number
  readonly unit?: Open<
    'Wh' | 'varh' | 'VAh' | 'W' | 'var' | 'VA' | 'A' | 'V' | 'K' | 'Celsius' | 'Fahrenheit' | 'Hz' | 'Percent'
  >
  readonly phase?: Open<'L1' | 'L2' | 'L3' | 'N' | 'L1-N' | 'L2-N' | 'L3-N' | 'L1-L2' | 'L2-L3' | 'L3-L1'>
  readonly context: Open<
    | 'Interruption.Begin'
    | 'Interruption.End'
    | 'Other'
    | 'Sample.Clock'
    | 'Sample.Periodic'
    | 'Transaction.Begin'
    | 'Transaction.End'
    | 'Trigger'
  >
  readonly location: Open<'Body' | 'Cable' | 'EV' | 'Inlet' | 'Outlet' | 'Upstream'>
  readonly format: Open<'Raw' | 'SignedData'>
  /** Members that the station left out and the specification fills in. */
  readonly defaulted?: readonly string[]
  /** The value as it came, when `value` does not say it to the letter. */
  readonly rawValue?: string
  /** The unit as it came, when `unit` is another. */
  readonly rawUnit?: string
  /** The power of ten that came with the value (2.x); it is applied in `value`. */
  readonly rawMultiplier?: Integer
  readonly signed?: SignedReading
}

/** What the meter said at one time. */
export interface MeterValue {
  readonly deviceTime: DeviceTime
  readonly samples: readonly MeterSample[]
}

/** Why a transaction message was sent. */
type Trigger = Open<
  | 'meter_value'
  | 'abnormal_condition'
  | 'authorized'
  | 'cable_plugged_in'
  | 'charging_rate_changed'
  | 'charging_state_changed'
  | 'cost_limit_reached'
  | 'deauthorized'
  | 'energy_limit_reached'
  | 'ev_communication_lost'
  | 'ev_connect_timeout'
  | 'ev_departed'
  | 'ev_detected'
  | 'limit_set'
  | 'operation_mode_changed'
  | 'remote_start'
  | 'remote_stop'
  | 'reset_command'
  | 'running_cost'
  | 'signed_data_received'
  | 'soc_limit_reached'
  | 'stop_authorized'
  | 'tariff_changed'
  | 'tariff_not_accepted'
  | 'time_limit_reached'
  | 'trigger'
  | 'tx_resumed'
  | 'unlock_command'
>

/** What every message about a transaction may say; most of it comes from 2.x only. */
export interface TransactionFactsSaid extends EventFacts {
  readonly transactionId: string
  /** Joins a StartTransaction with its retries: a digest of what makes two of them the same (1.6). */
  readonly startKey?: string
  readonly evse?: Evse
  readonly trigger?: Trigger
  readonly rawTrigger?: string
  readonly chargingState?: Open<'ev_connected' | 'charging' | 'suspended_ev' | 'suspended_evse' | 'idle'>
  readonly rawChargingState?: string
  readonly seqNo?: Integer
  /** True when it happened while the station was offline. */
  readonly offline?: boolean
  readonly timeSpentChargingS?: Integer
  readonly numberOfPhasesUsed?: Integer
  readonly cableMaxCurrentA?: number
  readonly reservationId?: Integer
  readonly remoteStartId?: Integer
  readonly operationMode?: Open<
    | 'idle'
    | 'charging_only'
    | 'central_setpoint'
    | 'external_setpoint'
    | 'external_limits'
    | 'central_frequency'
    | 'local_frequency'
    | 'local_load_balancing'
  >
  readonly rawOperationMode?: string
  readonly preconditioningStatus?: Open<'unknown' | 'ready' | 'not_ready' | 'preconditioning'>
  readonly rawPreconditioningStatus?: string
  readonly evseSleep?: boolean
  readonly tariffId?: string
  readonly transactionLimit?: V21.TransactionLimitType
  readonly costDetails?: V21.CostDetailsType
  readonly meterValues?: readonly MeterValue[]
  /** The decision about the id token that this message carried. */
  readonly authorization?: Authorization
}

/** Why a transaction ended. */
type StopReason = Open<
  | 'deauthorized'
  | 'emergency_stop'
  | 'energy_limit_reached'
  | 'ev_disconnected'
  | 'ground_fault'
  | 'hard_reset'
  | 'immediate_reset'
  | 'local'
  | 'local_out_of_credit'
  | 'master_pass'
  | 'other'
  | 'overcurrent_fault'
  | 'power_loss'
  | 'power_quality'
  | 'reboot'
  | 'remote'
  | 'req_energy_transfer_rejected'
  | 'soc_limit_reached'
  | 'soft_reset'
  | 'stopped_by_ev'
  | 'time_limit_reached'
  | 'timeout'
  | 'unlock_command'
>

/** A transaction has begun. */
export interface TransactionStarted extends TransactionFactsSaid {
  readonly idToken?: IdToken
  readonly meterStartWh?: number
  readonly deviceTime: DeviceTime
  readonly reason?: StopReason
  readonly rawReason?: string
}

/** Something about a running transaction: a change, or what its meter says. */
export interface TransactionUpdated extends TransactionFactsSaid {
  readonly idToken?: IdToken
  /** The register at the transaction's begin, when that is told later (2.x). */
  readonly meterStartWh?: number
  readonly deviceTime?: DeviceTime
  readonly reason?: StopReason
  readonly rawReason?: string
}

/** A transaction has ended. Energy is absent, never guessed, without both registers. */
export interface TransactionEnded extends TransactionFactsSaid {
  /** Who started it. */
  readonly idToken?: IdToken
  /** Who stopped it, when that was told. */
  readonly stopIdToken?: IdToken
  readonly startedAt?: DeviceTime
  readonly meterStartWh?: number
  readonly meterStopWh?: number
  readonly energyWh?: number
  readonly reason: StopReason
  readonly rawReason?: string
  readonly deviceTime: DeviceTime
  /** Members that the station left out and the specification fills in. */
  readonly defaulted?: readonly string[]
  /** Members that the gateway filled in from what it remembers. */
  readonly enriched?: readonly string[]
}

/** What a meter says outside a transaction. */
export interface MeterValuesReported extends EventFacts {
  readonly evse: Evse
  readonly meterValues: readonly MeterValue[]
}

/** An id token was shown and decided about. */
export interface AuthorizationDecided extends EventFacts {
  readonly idToken: IdToken
  readonly authorization: Authorization
  /** The EV's contract certificate, PEM (2.x). */
  readonly certificate?: string
  readonly certificateHashData?: readonly V21.OCSPRequestDataType[]
}
