import { present } from '../lib/present.ts'
import type { StartTransactionRequest, V16ChargePointCalls } from '../protocol/v16.ts'
import {
  answerGiven,
  askWhole,
  bootAnswer,
  currentTimeAnswer,
  emptyAnswer,
  noEvents,
  registrationOf,
  statusOf
} from './answers.ts'
import type { Meter, Modem } from './data-station.ts'
import type { Question } from './decision.ts'
import { draft } from './draft.ts'
import { authorizationOf, idTagInfoOf } from './id-tokens.ts'
import { meterValuesOf } from './meter-values.ts'
import { availabilityOf, errorOf } from './statuses.ts'
import type { EventTable, Origin } from './table.ts'
import { endedDraft } from './transactions.ts'
import { unified } from './unify.ts'

/** A StartTransaction that is older than this was kept while the station was offline: 1.6 has no other sign of it. */
const offlineAfterMs = 300_000

/** What makes two StartTransactions of one charge point the same one, whatever their message ids. (C3) */
function contentKeyOf(p: StartTransactionRequest): string {
  return JSON.stringify([p.connectorId, String(p.idTag).toLowerCase(), p.timestamp, p.meterStart])
}

function isReplayed(p: StartTransactionRequest, from: Origin): boolean {
  const { skewMs } = from.deviceTime(p.timestamp)
  return skewMs !== undefined && skewMs < -offlineAfterMs && !from.flags.includes('deviceTime.implausible')
}

/** OCPP 1.6, with the messages of the security white paper. Zero is a value: connector 0, meter 0, transaction 0. (C1) */
export const v16Events = {
  Authorize: {
    ack: 'decision',
    ask: (p) => ({ kind: 'authorize', idToken: { value: p.idTag } }),
    events: (p, from) => [
      draft('authorization.decided', { idToken: { value: p.idTag }, authorization: authorizationOf(from) })
    ],
    answer: (_, from) => ({ idTagInfo: idTagInfoOf(from) })
  },
  BootNotification: {
    ack: 'decision',
    ask: (p) =>
      present<Question<'boot'>>({
        kind: 'boot',
        vendor: p.chargePointVendor,
        model: p.chargePointModel,
        serialNumber: p.chargePointSerialNumber
      }),
    events: (p, from) => [
      draft('charge_point.booted', {
        vendor: p.chargePointVendor,
        model: p.chargePointModel,
        serialNumber: p.chargePointSerialNumber,
        chargeBoxSerialNumber: p.chargeBoxSerialNumber,
        firmwareVersion: p.firmwareVersion,
        modem:
          p.iccid === undefined && p.imsi === undefined ? undefined : present<Modem>({ iccid: p.iccid, imsi: p.imsi }),
        meter:
          p.meterType === undefined && p.meterSerialNumber === undefined
            ? undefined
            : present<Meter>({ type: p.meterType, serialNumber: p.meterSerialNumber }),
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
    answer: (_, from) => {
      const data = from.decision?.response?.data
      const status = statusOf(from, 'UnknownVendorId')
      // In 1.6 data is text. [OCPP 1.6 6.18]
      return data === undefined ? { status } : { status, data: typeof data === 'string' ? data : JSON.stringify(data) }
    }
  },
  DiagnosticsStatusNotification: {
    ack: 'durable',
    events: (p) => [draft('diagnostics.status_changed', { status: unified(p.status), rawStatus: p.status })],
    answer: emptyAnswer
  },
  FirmwareStatusNotification: {
    ack: 'durable',
    events: (p) => [draft('firmware.status_changed', { status: unified(p.status), rawStatus: p.status })],
    answer: emptyAnswer
  },
  Heartbeat: { ack: 'immediate', events: noEvents, answer: currentTimeAnswer },
  LogStatusNotification: {
    ack: 'durable',
    events: (p) => [
      draft('diagnostics.status_changed', {
        status: unified(p.status),
        rawStatus: p.status,
        requestId: p.requestId
      })
    ],
    answer: emptyAnswer
  },
  MeterValues: {
    ack: 'durable',
    transaction: (p, from) =>
      p.transactionId === undefined
        ? undefined
        : { kind: 'update', transactionId: String(p.transactionId), evse: from.evse(p.connectorId) },
    events: (p, from) => {
      const evse = from.evse(p.connectorId)
      const meterValues = meterValuesOf(p.meterValue, from)
      if (p.transactionId === undefined) return [{ type: 'meter.values', data: { evse, meterValues } }]
      const transactionId = String(p.transactionId)
      return [{ type: 'transaction.updated', data: { transactionId, evse, trigger: 'meter_value', meterValues } }]
    },
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
  SignCertificate: {
    ack: 'decision',
    ask: askWhole,
    events: (p, from) => [
      draft('certificate.requested', { request: 'sign', csr: p.csr, answer: answerGiven(from, 'Rejected') })
    ],
    answer: (_, from) => ({ status: statusOf(from, 'Rejected') })
  },
  SignedFirmwareStatusNotification: {
    ack: 'durable',
    events: (p) => [
      draft('firmware.status_changed', { status: unified(p.status), rawStatus: p.status, requestId: p.requestId })
    ],
    answer: emptyAnswer
  },
  StartTransaction: {
    ack: 'decision',
    ask: (p, from) => ({ kind: 'transaction', idToken: { value: p.idTag }, offline: isReplayed(p, from) }),
    transaction: (p, from) => ({
      kind: 'start',
      evse: from.evse(p.connectorId),
      idToken: { value: p.idTag },
      meterStartWh: p.meterStart,
      deviceTime: from.deviceTime(p.timestamp),
      contentKey: contentKeyOf(p)
    }),
    events: (p, from) => [
      draft('transaction.started', {
        transactionId: from.transaction?.transactionId ?? '',
        startKey: from.transaction?.startKey,
        evse: from.evse(p.connectorId),
        idToken: { value: p.idTag },
        meterStartWh: p.meterStart,
        deviceTime: from.deviceTime(p.timestamp),
        reservationId: p.reservationId,
        authorization: authorizationOf(from)
      })
    ],
    answer: (_, from) => ({ idTagInfo: idTagInfoOf(from), transactionId: Number(from.transaction?.transactionId) })
  },
  StatusNotification: {
    ack: 'durable',
    // Connector 0 is the charge point itself. [OCPP 1.6 4.9]
    events: (p, from) => [
      draft(p.connectorId === 0 ? 'charge_point.status_changed' : 'connector.status_changed', {
        evse: from.evse(p.connectorId),
        ...availabilityOf(p.status),
        ...errorOf(p),
        deviceTime: p.timestamp === undefined ? undefined : from.deviceTime(p.timestamp)
      })
    ],
    answer: emptyAnswer
  },
  // An unknown transaction is orphaned, never refused: the station would come back with it for ever. (C4)
  StopTransaction: {
    ack: 'durable',
    transaction: (p, from) => ({
      kind: 'end',
      transactionId: String(p.transactionId),
      deviceTime: from.deviceTime(p.timestamp)
    }),
    events: (p, from) => [
      endedDraft(
        {
          transactionId: String(p.transactionId),
          stopIdToken: p.idTag === undefined ? undefined : { value: p.idTag },
          meterStopWh: p.meterStop,
          rawReason: p.reason,
          deviceTime: from.deviceTime(p.timestamp),
          meterValues: p.transactionData === undefined ? undefined : meterValuesOf(p.transactionData, from)
        },
        from
      )
    ],
    answer: emptyAnswer
  }
} as const satisfies EventTable<V16ChargePointCalls>
