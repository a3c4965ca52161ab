import type { V21ChargePointCalls } from '../protocol/v21.ts'
import { answerGiven, askWhole, decidedResponse } from './answers.ts'
import { draft } from './draft.ts'
import type { EventTable } from './table.ts'
import { unified, unifiedOrAbsent } from './unify.ts'

/** Rows that are the same in 2.0.1 and 2.1: without a decision, nobody signs and nobody knows. */
export const v2CertificateRows = {
  Get15118EVCertificate: {
    ack: 'decision',
    ask: askWhole,
    events: (p, from) => [
      draft('certificate.requested', {
        request: 'ev_certificate',
        iso15118SchemaVersion: p.iso15118SchemaVersion,
        action: unified(p.action),
        rawAction: p.action,
        exiRequest: p.exiRequest,
        maximumContractCertificateChains: p.maximumContractCertificateChains,
        prioritizedEmaids: p.prioritizedEMAIDs,
        answer: answerGiven(from, 'Failed')
      })
    ],
    answer: (_, from) => decidedResponse(from, { status: 'Failed' as const, exiResponse: '' })
  },
  GetCertificateStatus: {
    ack: 'decision',
    ask: askWhole,
    events: (p, from) => [
      draft('certificate.requested', {
        request: 'status',
        ocspRequest: p.ocspRequestData,
        answer: answerGiven(from, 'Failed')
      })
    ],
    answer: (_, from) => decidedResponse(from, { status: 'Failed' as const })
  },
  SignCertificate: {
    ack: 'decision',
    ask: askWhole,
    events: (p, from) => [
      draft('certificate.requested', {
        request: 'sign',
        csr: p.csr,
        certificateType: unifiedOrAbsent(p.certificateType),
        rawCertificateType: p.certificateType,
        hashRootCertificate: p.hashRootCertificate,
        requestId: p.requestId,
        answer: answerGiven(from, 'Rejected')
      })
    ],
    answer: (_, from) => decidedResponse(from, { status: 'Rejected' as const })
  }
} as const satisfies EventTable<
  Pick<V21ChargePointCalls, 'Get15118EVCertificate' | 'GetCertificateStatus' | 'SignCertificate'>
>

/** 2.1 alone. */
export const v21CertificateRows = {
  GetCertificateChainStatus: {
    ack: 'decision',
    ask: askWhole,
    events: (p) => [
      draft('certificate.requested', {
        request: 'chain_status',
        certificateStatusRequests: p.certificateStatusRequests
      })
    ],
    answer: (p, from) =>
      decidedResponse(from, {
        certificateStatus: p.certificateStatusRequests.map(({ certificateHashData, source }) => ({
          certificateHashData,
          source,
          status: 'Failed' as const,
          nextUpdate: from.receivedAt
        }))
      })
  }
} as const satisfies EventTable<Pick<V21ChargePointCalls, 'GetCertificateChainStatus'>>
