import { present } from '../lib/present.ts'
import type { StatusInfoType, V21ChargePointCalls } from '../protocol/v21.ts'
import {
  answerGiven,
  bootAnswer,
  currentTimeAnswer,
  decidedResponse,
  emptyAnswer,
  noEvents,
  registrationOf
} from './answers.ts'
import type { Modem, StatusInfo } from './data-station.ts'
import type { Question } from './decision.ts'
import { draft } from './draft.ts'
import { availabilityOf } from './statuses.ts'
import type { EventTable } from './table.ts'
import { unified } from './unify.ts'

function statusInfoOf(said: StatusInfoType | undefined): StatusInfo | undefined {
  return said && present<StatusInfo>({ reasonCode: said.reasonCode, additionalInfo: said.additionalInfo })
}

/** Rows that are the same in 2.0.1 and 2.1: the station and its state. */
export const v2StationRows = {
  BootNotification: {
    ack: 'decision',
    ask: (p) =>
      present<Question<'boot'>>({
        kind: 'boot',
        vendor: p.chargingStation.vendorName,
        model: p.chargingStation.model,
        serialNumber: p.chargingStation.serialNumber,
        reason: p.reason
      }),
    events: ({ chargingStation: station, reason }, from) => [
      draft('charge_point.booted', {
        vendor: station.vendorName,
        model: station.model,
        serialNumber: station.serialNumber,
        firmwareVersion: station.firmwareVersion,
        modem: station.modem && present<Modem>({ iccid: station.modem.iccid, imsi: station.modem.imsi }),
        reason: unified(reason),
        rawReason: reason,
        registration: registrationOf(from)
      })
    ],
    answer: (_, from) => bootAnswer(from)
  },
  DataTransfer: {
    ack: 'decision',
    ask: (p) =>
      present<Question<'data_transfer'>>({
        kind: 'data_transfer',
        vendorId: p.vendorId,
        messageId: p.messageId,
        data: p.data
      }),
    events: (p, from) => [
      draft('data_transfer.received', {
        vendorId: p.vendorId,
        messageId: p.messageId,
        data: p.data,
        answer: answerGiven(from, 'UnknownVendorId')
      })
    ],
    answer: (_, from) => decidedResponse(from, { status: 'UnknownVendorId' as const })
  },
  FirmwareStatusNotification: {
    ack: 'durable',
    events: (p) => [
      draft('firmware.status_changed', {
        status: unified(p.status),
        rawStatus: p.status,
        requestId: p.requestId,
        statusInfo: statusInfoOf(p.statusInfo)
      })
    ],
    answer: emptyAnswer
  },
  Heartbeat: { ack: 'immediate', events: noEvents, answer: currentTimeAnswer },
  LogStatusNotification: {
    ack: 'durable',
    events: (p) => [
      draft('diagnostics.status_changed', {
        status: unified(p.status),
        rawStatus: p.status,
        requestId: p.requestId,
        statusInfo: statusInfoOf(p.statusInfo)
      })
    ],
    answer: emptyAnswer
  },
  PublishFirmwareStatusNotification: {
    ack: 'durable',
    events: (p) => [
      draft('firmware.publication_status_changed', {
        status: unified(p.status),
        rawStatus: p.status,
        locations: p.location,
        requestId: p.requestId,
        statusInfo: statusInfoOf(p.statusInfo)
      })
    ],
    answer: emptyAnswer
  },
  ReservationStatusUpdate: {
    ack: 'durable',
    events: (p) => [
      draft('reservation.status_changed', {
        reservationId: p.reservationId,
        status: unified(p.reservationUpdateStatus),
        rawStatus: p.reservationUpdateStatus
      })
    ],
    answer: emptyAnswer
  },
  SecurityEventNotification: {
    ack: 'durable',
    events: (p, from) => [
      draft('security.event', {
        kind: unified(p.type),
        rawKind: p.type,
        techInfo: p.techInfo,
        deviceTime: from.deviceTime(p.timestamp)
      })
    ],
    answer: emptyAnswer
  },
  StatusNotification: {
    ack: 'durable',
    events: (p, from) => [
      draft('connector.status_changed', {
        evse: { id: p.evseId, connectorId: p.connectorId },
        ...availabilityOf(p.connectorStatus),
        deviceTime: from.deviceTime(p.timestamp)
      })
    ],
    answer: emptyAnswer
  }
} as const satisfies EventTable<
  Pick<
    V21ChargePointCalls,
    | 'BootNotification'
    | 'DataTransfer'
    | 'FirmwareStatusNotification'
    | 'Heartbeat'
    | 'LogStatusNotification'
    | 'PublishFirmwareStatusNotification'
    | 'ReservationStatusUpdate'
    | 'SecurityEventNotification'
    | 'StatusNotification'
  >
>
