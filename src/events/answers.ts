import { present } from '../lib/present.ts'
import type { AnswerGiven, Registration } from './data-station.ts'
import type { Origin } from './table.ts'
import { unified } from './unify.ts'

/** What was decided about a call whose answer is in the words of its version; `otherwise` when nobody said anything. */
export function statusOf<Status extends string>(from: Origin, otherwise: Status): Status {
  const status = from.decision?.response?.status
  return typeof status === 'string' ? (status as Status) : otherwise
}

/** The answer as the event tells it. */
export function answerGiven(from: Origin, otherwise: string): AnswerGiven {
  const rawStatus = statusOf(from, otherwise)
  return present<AnswerGiven>({
    status: unified(rawStatus),
    rawStatus,
    decidedBy: from.decision?.decidedBy ?? 'gateway',
    data: from.decision?.response?.data
  })
}

/** The answer with the other members that were decided. */
export function decidedResponse<Response>(from: Origin, otherwise: Response): Response {
  const response = from.decision?.response
  return response === undefined ? otherwise : { ...otherwise, ...response }
}

/** What a BootNotification is answered: refused when nobody decided. */
export function registrationOf(from: Origin): Registration {
  const decision = from.decision
  return {
    status: decision?.registration?.status ?? 'rejected',
    intervalS: decision?.registration?.intervalS ?? from.bootIntervalS,
    decidedBy: decision?.decidedBy ?? 'gateway'
  }
}

const registrationStatus = { accepted: 'Accepted', pending: 'Pending', rejected: 'Rejected' } as const

/** The members that every version answers a BootNotification with. */
export function bootAnswer(from: Origin) {
  const { status = 'rejected', intervalS = from.bootIntervalS } = from.decision?.registration ?? {}
  return { status: registrationStatus[status], currentTime: from.receivedAt, interval: intervalS }
}

/** For what has no members. */
export const emptyAnswer = (): Readonly<Record<string, never>> => ({})
export const noEvents = (): readonly [] => []
export const currentTimeAnswer = (_: unknown, from: Origin) => ({ currentTime: from.receivedAt })
/** The question that the whole payload asks. */
export const askWhole = (payload: unknown) => ({ kind: 'call', payload }) as const
