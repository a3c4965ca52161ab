import { present } from '../lib/present.ts'
import type {
  EventDataType,
  NotifyEventRequest,
  NotifyMonitoringReportRequest,
  V21ChargePointCalls
} from '../protocol/v21.ts'
import type { NotifyMonitoringReportRequest as V201MonitoringReport } from '../protocol/v201.ts'
import { emptyAnswer } from './answers.ts'
import type { MonitoringEvent } from './data-device.ts'
import { draft } from './draft.ts'
import type { EventDraft } from './model.ts'
import { availabilityOf } from './statuses.ts'
import type { EventTable, Origin } from './table.ts'
import { unified } from './unify.ts'
import { evseOf } from './v2-transactions.ts'

interface Named {
  readonly name: string
  readonly instance?: string
}
const named = (said: Named) => present<Named>({ name: said.name, instance: said.instance })

/** Whose availability the variable AvailabilityState of a component tells. [OCPP 2.0.1 part 2 appendices, 3.2] */
const statusTypes = {
  ChargingStation: 'charge_point.status_changed',
  EVSE: 'evse.status_changed',
  Connector: 'connector.status_changed'
} as const
const statusTypeOf = new Map<string, (typeof statusTypes)[keyof typeof statusTypes]>(Object.entries(statusTypes))

/** What is the same for everything in one NotifyEvent. */
type Batch = Pick<MonitoringEvent, 'generatedAt' | 'seqNo'> & { readonly toBeContinued: boolean | undefined }

/** The events of one thing that a station reports: itself, and the status that it tells. */
function reportedDrafts(one: EventDataType, batch: Batch, from: Origin): readonly EventDraft[] {
  const deviceTime = from.deviceTime(one.timestamp)
  const evse = one.component.evse && evseOf(one.component.evse)
  const reported = draft('monitoring.event', {
    eventId: one.eventId,
    deviceTime,
    ...batch,
    trigger: unified(one.trigger),
    rawTrigger: one.trigger,
    cause: one.cause,
    value: one.actualValue,
    techCode: one.techCode,
    techInfo: one.techInfo,
    cleared: one.cleared,
    transactionId: one.transactionId,
    component: named(one.component),
    evse,
    variable: named(one.variable),
    variableMonitoringId: one.variableMonitoringId,
    notificationType: unified(one.eventNotificationType),
    rawNotificationType: one.eventNotificationType,
    severity: one.severity
  })
  const statusType = one.variable.name === 'AvailabilityState' ? statusTypeOf.get(one.component.name) : undefined
  if (statusType === undefined) return [reported]
  const isStation = statusType === 'charge_point.status_changed'
  const status = { evse: isStation ? { id: 0 } : evse, ...availabilityOf(one.actualValue), deviceTime }
  return [reported, draft(statusType, status)]
}

/** A station that reports nothing was forgiven, but its message was answered: that is an event as well. */
function notifyEventDrafts(p: NotifyEventRequest, from: Origin): readonly EventDraft[] {
  if (p.eventData.length === 0) {
    return [draft('protocol.violation', { violation: 'invalid_payload', detail: 'eventData is empty' })]
  }
  const batch = { generatedAt: from.deviceTime(p.generatedAt), seqNo: p.seqNo, toBeContinued: p.tbc }
  return p.eventData.flatMap((one) => reportedDrafts(one, batch, from))
}

/** Rows that are the same in 2.0.1 and 2.1: the device model and the display. */
export const v2DeviceRows = {
  NotifyCustomerInformation: {
    ack: 'durable',
    events: (p, from) => [
      draft('report.received', {
        report: 'customer_information',
        requestId: p.requestId,
        seqNo: p.seqNo,
        generatedAt: from.deviceTime(p.generatedAt),
        toBeContinued: p.tbc,
        text: p.data
      })
    ],
    answer: emptyAnswer
  },
  NotifyDisplayMessages: {
    ack: 'durable',
    events: (p) => [
      draft('display.messages_reported', {
        requestId: p.requestId,
        toBeContinued: p.tbc,
        messages: p.messageInfo
      })
    ],
    answer: emptyAnswer
  },
  NotifyEvent: {
    ack: 'durable',
    events: notifyEventDrafts,
    answer: emptyAnswer
  },
  NotifyMonitoringReport: {
    ack: 'durable',
    // 2.0.1 does not tell where a monitor comes from, which 2.1 demands: neither request is the other's superset.
    events: (p: V201MonitoringReport | NotifyMonitoringReportRequest, from) => [
      draft('report.received', {
        report: 'monitors',
        requestId: p.requestId,
        seqNo: p.seqNo,
        generatedAt: from.deviceTime(p.generatedAt),
        toBeContinued: p.tbc,
        monitors: p.monitor
      })
    ],
    answer: emptyAnswer
  },
  NotifyReport: {
    ack: 'durable',
    events: (p, from) => [
      draft('report.received', {
        report: 'variables',
        requestId: p.requestId,
        seqNo: p.seqNo,
        generatedAt: from.deviceTime(p.generatedAt),
        toBeContinued: p.tbc,
        variables: p.reportData
      })
    ],
    answer: emptyAnswer
  }
} as const satisfies EventTable<
  Pick<
    V21ChargePointCalls,
    'NotifyCustomerInformation' | 'NotifyDisplayMessages' | 'NotifyEvent' | 'NotifyMonitoringReport' | 'NotifyReport'
  >
>

/** 2.1 alone: streams of monitored values. */
export const v21DeviceRows = {
  ClosePeriodicEventStream: {
    ack: 'durable',
    events: (p) => [draft('monitoring.stream_closed', { streamId: p.id })],
    answer: emptyAnswer
  },
  /** A SEND: unanswered. [Part 4 2.1 4.2.4] */
  NotifyPeriodicEventStream: {
    events: (p, from) => [
      draft('monitoring.stream_values', {
        streamId: p.id,
        pending: p.pending,
        baseTime: from.deviceTime(p.basetime),
        values: p.data.map(({ t, v }) => ({ offsetS: t, value: v }))
      })
    ]
  },
  OpenPeriodicEventStream: {
    ack: 'durable',
    events: ({ constantStreamData: stream }) => [
      draft('monitoring.stream_opened', {
        streamId: stream.id,
        variableMonitoringId: stream.variableMonitoringId,
        intervalS: stream.params.interval,
        values: stream.params.values
      })
    ],
    answer: () => ({ status: 'Accepted' as const })
  }
} as const satisfies EventTable<
  Pick<V21ChargePointCalls, 'ClosePeriodicEventStream' | 'NotifyPeriodicEventStream' | 'OpenPeriodicEventStream'>
>
