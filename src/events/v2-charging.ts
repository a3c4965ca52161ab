import { present } from '../lib/present.ts'
import type { V21ChargePointCalls } from '../protocol/v21.ts'
import { answerGiven, askWhole, decidedResponse, emptyAnswer } from './answers.ts'
import type { SwappedBattery } from './data-device.ts'
import { draft } from './draft.ts'
import { idTokenOf } from './id-tokens.ts'
import type { EventTable } from './table.ts'
import { unified, unifiedOrAbsent } from './unify.ts'

const evseOfId = (id: number | undefined) => (id === undefined ? undefined : { id })

/** Rows that are the same in 2.0.1 and 2.1: what limits the charging and what the EV wants. */
export const v2ChargingRows = {
  ClearedChargingLimit: {
    ack: 'durable',
    events: (p) => [
      draft('charging.limit_cleared', {
        evse: evseOfId(p.evseId),
        source: unified(p.chargingLimitSource),
        rawSource: p.chargingLimitSource
      })
    ],
    answer: emptyAnswer
  },
  NotifyChargingLimit: {
    ack: 'durable',
    events: (p) => [
      draft('charging.limit_changed', {
        evse: evseOfId(p.evseId),
        source: unified(p.chargingLimit.chargingLimitSource),
        rawSource: p.chargingLimit.chargingLimitSource,
        isGridCritical: p.chargingLimit.isGridCritical,
        isLocalGeneration: p.chargingLimit.isLocalGeneration,
        chargingSchedules: p.chargingSchedule
      })
    ],
    answer: emptyAnswer
  },
  NotifyEVChargingNeeds: {
    ack: 'decision',
    ask: askWhole,
    events: (p, from) => [
      draft('charging.needs_reported', {
        evse: { id: p.evseId },
        maxScheduleTuples: p.maxScheduleTuples,
        deviceTime: p.timestamp === undefined ? undefined : from.deviceTime(p.timestamp),
        chargingNeeds: p.chargingNeeds,
        answer: answerGiven(from, 'Rejected')
      })
    ],
    answer: (_, from) => decidedResponse(from, { status: 'Rejected' as const })
  },
  // Accepted says that the message was dealt with, not that the schedule is good. [OCPP 2.0.1 part 2, 1.34]
  NotifyEVChargingSchedule: {
    ack: 'durable',
    events: (p, from) => [
      draft('charging.schedule_chosen', {
        evse: { id: p.evseId },
        timeBase: from.deviceTime(p.timeBase),
        chargingSchedule: p.chargingSchedule,
        selectedChargingScheduleId: p.selectedChargingScheduleId,
        powerToleranceAcceptance: p.powerToleranceAcceptance
      })
    ],
    answer: () => ({ status: 'Accepted' as const })
  },
  ReportChargingProfiles: {
    ack: 'durable',
    events: (p) => [
      draft('charging.profiles_reported', {
        requestId: p.requestId,
        evse: { id: p.evseId },
        source: unified(p.chargingLimitSource),
        rawSource: p.chargingLimitSource,
        toBeContinued: p.tbc,
        chargingProfiles: p.chargingProfile
      })
    ],
    answer: emptyAnswer
  }
} as const satisfies EventTable<
  Pick<
    V21ChargePointCalls,
    | 'ClearedChargingLimit'
    | 'NotifyChargingLimit'
    | 'NotifyEVChargingNeeds'
    | 'NotifyEVChargingSchedule'
    | 'ReportChargingProfiles'
  >
>

/** 2.1 alone: dynamic and priority charging, payment, distributed energy resources, battery swap. */
export const v21ChargingRows = {
  BatterySwap: {
    ack: 'durable',
    events: (p, from) => [
      draft('battery.swapped', {
        event: unified(p.eventType),
        rawEvent: p.eventType,
        requestId: p.requestId,
        idToken: idTokenOf(p.idToken),
        batteries: p.batteryData.map((battery) =>
          present<SwappedBattery>({
            evse: { id: battery.evseId },
            serialNumber: battery.serialNumber,
            socPercent: battery.soC,
            sohPercent: battery.soH,
            productionDate: battery.productionDate === undefined ? undefined : from.deviceTime(battery.productionDate),
            vendorInfo: battery.vendorInfo
          })
        )
      })
    ],
    answer: emptyAnswer
  },
  NotifyDERAlarm: {
    ack: 'durable',
    events: (p, from) => [
      draft('der.alarm', {
        controlType: p.controlType,
        gridEventFault: unifiedOrAbsent(p.gridEventFault),
        rawGridEventFault: p.gridEventFault,
        alarmEnded: p.alarmEnded,
        deviceTime: from.deviceTime(p.timestamp),
        extraInfo: p.extraInfo
      })
    ],
    answer: emptyAnswer
  },
  NotifyDERStartStop: {
    ack: 'durable',
    events: (p, from) => [
      draft('der.control_changed', {
        controlId: p.controlId,
        started: p.started,
        deviceTime: from.deviceTime(p.timestamp),
        supersededIds: p.supersededIds
      })
    ],
    answer: emptyAnswer
  },
  NotifyPriorityCharging: {
    ack: 'durable',
    events: (p) => [draft('charging.priority_changed', { transactionId: p.transactionId, activated: p.activated })],
    answer: emptyAnswer
  },
  NotifySettlement: {
    ack: 'durable',
    events: (p, from) => [
      draft('payment.settled', {
        transactionId: p.transactionId,
        pspRef: p.pspRef,
        status: unified(p.status),
        rawStatus: p.status,
        statusInfo: p.statusInfo,
        settlementAmount: p.settlementAmount,
        deviceTime: from.deviceTime(p.settlementTime),
        receiptId: p.receiptId,
        receiptUrl: p.receiptUrl,
        vatCompany: p.vatCompany,
        vatNumber: p.vatNumber
      })
    ],
    answer: emptyAnswer
  },
  PullDynamicScheduleUpdate: {
    ack: 'decision',
    ask: askWhole,
    events: (p, from) => [
      draft('charging.schedule_update_requested', {
        chargingProfileId: p.chargingProfileId,
        answer: answerGiven(from, 'Rejected')
      })
    ],
    answer: (_, from) => decidedResponse(from, { status: 'Rejected' as const })
  },
  ReportDERControl: {
    ack: 'durable',
    events: (p) => [
      draft('der.controls_reported', {
        requestId: p.requestId,
        toBeContinued: p.tbc,
        curves: p.curve,
        enterService: p.enterService,
        fixedPfAbsorb: p.fixedPFAbsorb,
        fixedPfInject: p.fixedPFInject,
        fixedVar: p.fixedVar,
        freqDroop: p.freqDroop,
        gradients: p.gradient,
        limitMaxDischarge: p.limitMaxDischarge
      })
    ],
    answer: emptyAnswer
  },
  VatNumberValidation: {
    ack: 'decision',
    ask: askWhole,
    events: (p, from) => [
      draft('payment.vat_validation_requested', {
        vatNumber: p.vatNumber,
        evse: evseOfId(p.evseId),
        answer: answerGiven(from, 'Rejected')
      })
    ],
    answer: (p, from) =>
      decidedResponse(from, {
        vatNumber: p.vatNumber,
        status: 'Rejected' as const,
        ...(p.evseId === undefined ? {} : { evseId: p.evseId })
      })
  }
} as const satisfies EventTable<
  Pick<
    V21ChargePointCalls,
    | 'BatterySwap'
    | 'NotifyDERAlarm'
    | 'NotifyDERStartStop'
    | 'NotifyPriorityCharging'
    | 'NotifySettlement'
    | 'PullDynamicScheduleUpdate'
    | 'ReportDERControl'
    | 'VatNumberValidation'
  >
>
