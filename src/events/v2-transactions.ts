import { present } from '../lib/present.ts'
import type { EVSEType, TransactionEventRequest, TransactionType, V21ChargePointCalls } from '../protocol/v21.ts'
import { decidedResponse, emptyAnswer } from './answers.ts'
import { draft } from './draft.ts'
import { authorizationOf, idTokenInfoOf, idTokenOf } from './id-tokens.ts'
import { meterValuesOf, registerWh } from './meter-values.ts'
import type { EventDraft, Evse } from './model.ts'
import type { EventTable, Origin, TransactionStep } from './table.ts'
import { endedDraft } from './transactions.ts'
import { unifiedOrAbsent } from './unify.ts'

/** An EVSE as 2.x names it, without what a vendor may have added. */
export function evseOf(said: EVSEType): Evse {
  return said.connectorId === undefined ? { id: said.id } : { id: said.id, connectorId: said.connectorId }
}

/** What a TransactionEvent of any kind says beside its ids, tokens and registers. */
function factsOf(p: TransactionEventRequest, from: Origin) {
  const info: TransactionType = p.transactionInfo
  // Empty when the station left it out and was forgiven.
  const rawTrigger: string | undefined = p.triggerReason || undefined
  return {
    trigger: unifiedOrAbsent(rawTrigger),
    rawTrigger,
    chargingState: unifiedOrAbsent(info.chargingState),
    rawChargingState: info.chargingState,
    seqNo: p.seqNo,
    offline: p.offline,
    timeSpentChargingS: info.timeSpentCharging,
    numberOfPhasesUsed: p.numberOfPhasesUsed,
    cableMaxCurrentA: p.cableMaxCurrent,
    reservationId: p.reservationId,
    remoteStartId: info.remoteStartId,
    operationMode: unifiedOrAbsent(info.operationMode),
    rawOperationMode: info.operationMode,
    preconditioningStatus: unifiedOrAbsent(p.preconditioningStatus),
    rawPreconditioningStatus: p.preconditioningStatus,
    evseSleep: p.evseSleep,
    tariffId: info.tariffId,
    transactionLimit: info.transactionLimit,
    costDetails: p.costDetails,
    meterValues: p.meterValue === undefined ? undefined : meterValuesOf(p.meterValue, from),
    authorization: p.idToken === undefined ? undefined : authorizationOf(from)
  }
}

function transactionDraft(p: TransactionEventRequest, from: Origin): EventDraft {
  const rawReason = p.transactionInfo.stoppedReason
  const meterStartWh = registerWh(p.meterValue, 'Transaction.Begin')
  const evse = p.evse === undefined ? undefined : evseOf(p.evse)
  const idToken = p.idToken === undefined ? undefined : idTokenOf(p.idToken)
  const said = {
    transactionId: p.transactionInfo.transactionId,
    rawReason,
    deviceTime: from.deviceTime(p.timestamp),
    ...factsOf(p, from)
  }
  if (p.eventType === 'Ended') {
    const meterStopWh = registerWh(p.meterValue, 'Transaction.End')
    return endedDraft({ ...said, evse, stopIdToken: idToken, meterStartWh, meterStopWh }, from)
  }
  const reason = unifiedOrAbsent(rawReason)
  return p.eventType === 'Started'
    ? draft('transaction.started', { ...said, evse, idToken, meterStartWh, reason })
    : draft('transaction.updated', { ...said, evse, idToken, meterStartWh, reason })
}

function stepOf(p: TransactionEventRequest, from: Origin): TransactionStep {
  const isEnd = p.eventType === 'Ended'
  return present<TransactionStep>({
    kind: p.eventType === 'Started' ? 'start' : isEnd ? 'end' : 'update',
    transactionId: p.transactionInfo.transactionId,
    seqNo: p.seqNo,
    evse: p.evse === undefined ? undefined : evseOf(p.evse),
    // The token of an end is the one that stopped it. [OCPP 2.0.1 part 2, E06, E07]
    idToken: p.idToken === undefined || isEnd ? undefined : idTokenOf(p.idToken),
    meterStartWh: registerWh(p.meterValue, 'Transaction.Begin'),
    deviceTime: from.deviceTime(p.timestamp)
  })
}

/** Rows that are the same in 2.0.1 and 2.1: whom a charging station serves and what it measures. */
export const v2TransactionRows = {
  Authorize: {
    ack: 'decision',
    ask: (p) => ({ kind: 'authorize', idToken: idTokenOf(p.idToken) }),
    events: (p, from) => [
      draft('authorization.decided', {
        idToken: idTokenOf(p.idToken),
        authorization: authorizationOf(from),
        certificate: p.certificate,
        certificateHashData: p.iso15118CertificateHashData
      })
    ],
    // Nobody has looked at the contract certificate unless the decision says so. [OCPP 2.0.1 part 2, C07]
    answer: (p, from) =>
      decidedResponse(from, {
        idTokenInfo: idTokenInfoOf(from),
        ...(p.certificate === undefined && p.iso15118CertificateHashData === undefined
          ? {}
          : { certificateStatus: 'NoCertificateAvailable' as const })
      })
  },
  MeterValues: {
    ack: 'durable',
    events: (p, from) => [
      draft('meter.values', { evse: { id: p.evseId }, meterValues: meterValuesOf(p.meterValue, from) })
    ],
    answer: emptyAnswer
  },
  TransactionEvent: {
    ack: 'decision',
    ask: (p) =>
      p.idToken === undefined
        ? undefined
        : { kind: 'transaction', idToken: idTokenOf(p.idToken), offline: p.offline === true },
    transaction: stepOf,
    events: (p, from) => [transactionDraft(p, from)],
    answer: (p, from) => decidedResponse(from, p.idToken === undefined ? {} : { idTokenInfo: idTokenInfoOf(from) })
  }
} as const satisfies EventTable<Pick<V21ChargePointCalls, 'Authorize' | 'MeterValues' | 'TransactionEvent'>>
