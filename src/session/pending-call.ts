import type { AuthorizationStatus, Decision } from '../events/decision.ts'
import type { EventDraft } from '../events/model.ts'
import type { CallOrigin } from '../events/origin.ts'
import type { TransactionStep } from '../events/table.ts'
import { type CompiledRule, toEvents } from '../events/to-events.ts'
import type { StoreChange, TransactionRecord } from '../ports/records.ts'
import { encodeResult } from '../protocol/frame.ts'
import type { Call } from '../protocol/message.ts'
import type { SessionContext } from './context.ts'
import type { Effect, EventEntry } from './effect.ts'
import type { KeptAnswer } from './replay.ts'

/** Flag of an event that made the oldest open transaction be forgotten (limits.open_transactions_max). */
const oldestForgotten = 'transactions.oldestForgotten'
const noChanges: readonly StoreChange[] = Object.freeze([])

/** The row of a CALL: one that answers. */
export type CallRule = CompiledRule & { readonly answer: NonNullable<CompiledRule['answer']> }

/** A valid CALL on its way to its events and its answer. */
export interface PendingCall {
  readonly call: Call
  /** Where its answer is kept for a repetition. */
  readonly kept: KeptAnswer | undefined
  readonly rule: CallRule
  readonly payload: unknown
  readonly origin: CallOrigin
  step?: TransactionStep | undefined
  startKey?: string
  transactionId?: string
  /** The question that is open, so that an answer to another one is not taken for it. */
  asked?: { readonly kind: 'identify' | 'decide'; readonly ticket: number }
}

/** What the row has made of a CALL. Nothing is changed yet. */
export interface MappedCall {
  readonly drafts: readonly EventDraft[]
  readonly text: string
}

/**
 * What the outside has to say before the CALL can be mapped: first the id of a 1.6 transaction, then the decision.
 * Undefined when nothing is missing (any more).
 */
export function nextQuestion(context: SessionContext, pending: PendingCall, ticket: number): Effect | undefined {
  const { rule, payload, origin } = pending
  if (rule.transaction && !origin.transaction) {
    pending.step ??= rule.transaction(payload, origin)
    if (pending.step && !identify(context, pending, pending.step)) {
      pending.asked = { kind: 'identify', ticket }
      const { startKey } = pending
      return { kind: 'identify', ticket, ...(startKey === undefined ? {} : { startKey }) }
    }
  }
  if (rule.ack !== 'decision' || origin.decision) return undefined
  const question = rule.ask?.(payload, origin)
  if (!question) return undefined
  const earlier = earlierDecision(context, pending)
  if (earlier) {
    origin.decision = earlier
    return undefined
  }
  pending.asked = { kind: 'decide', ticket }
  const { chargePointId, version, action } = origin
  return { kind: 'decide', ticket, request: { chargePointId, version, action, ...question } }
}

/** Finds out which transaction the CALL means and what is known of it. False: an id has to be given to it first. */
function identify(context: SessionContext, pending: PendingCall, step: TransactionStep): boolean {
  const { book } = context
  // Without its time a start is no more than a connector and a tag: the next one is not to be taken for it.
  if (step.kind === 'start' && step.contentKey !== undefined && step.deviceTime?.raw !== '') {
    pending.startKey ??= book.startKeyOf(step.contentKey)
  }
  const known = pending.startKey === undefined ? undefined : book.openWithStartKey(pending.startKey)
  const transactionId = pending.transactionId ?? step.transactionId ?? known?.transactionId
  if (transactionId === undefined) return false
  const facts = book.factsOf(step, transactionId, pending.startKey)
  pending.origin.transaction = facts
  if (book.overflowsWith(step, transactionId)) pending.origin.flag(oldestForgotten)
  return true
}

/** A start that comes again is answered as the first time; nobody is asked twice. (C2, C3) */
function earlierDecision({ book }: SessionContext, { origin, step }: PendingCall): Decision | undefined {
  const facts = origin.transaction
  if (step?.kind !== 'start' || facts?.duplicateOf === undefined) return undefined
  const authorization = book.get(facts.transactionId)?.authorization
  return authorization && { decidedBy: 'gateway', authorization: { ...authorization, status: statusOf(authorization) } }
}

/** The record keeps what a `Decision` said. */
function statusOf(authorization: NonNullable<TransactionRecord['authorization']>): AuthorizationStatus {
  return authorization.status as AuthorizationStatus
}

/** Events and answer. Throws when the row fails, before anything has changed. */
export function mapCall({ tools }: SessionContext, { call, rule, payload, origin }: PendingCall): MappedCall {
  const drafts = toEvents(rule, payload, origin, tools.settings.includeRaw, call.payload)
  return { drafts, text: encodeResult(call.id, rule.answer(payload, origin)) }
}

/** The events with what they imply for the store. From here on they have happened. */
export function commitCall(
  context: SessionContext,
  pending: PendingCall,
  drafts: readonly EventDraft[],
  out: Effect[],
  nowMs: number
): readonly EventEntry[] {
  const { call, origin } = pending
  const about = { action: call.action, messageId: call.id }
  return drafts.map((draft, n) => {
    const event = context.event(draft, about, origin.receivedAt)
    if (draft.type === 'charge_point.booted') {
      return { event, changes: [context.registered(draft.data, origin.decision, nowMs)] }
    }
    // What a CALL says of its transaction is its first event.
    if (n > 0) return { event, changes: noChanges }
    return { event, changes: applyStep(context, pending, { draft, eventId: event.id }, out, nowMs) }
  })
}

function applyStep(
  { book }: SessionContext,
  { step, origin: { transaction: facts, decision, flags } }: PendingCall,
  { draft, eventId }: { readonly draft: EventDraft; readonly eventId: string },
  out: Effect[],
  nowMs: number
): readonly StoreChange[] {
  if (!step || !facts) return noChanges
  if (facts.duplicateOf !== undefined) out.push({ kind: 'count', what: 'duplicate_event', n: 1 })
  if (flags.includes(oldestForgotten)) out.push({ kind: 'count', what: 'transaction_forgotten', n: 1 })
  const meterStopWh = draft.type === 'transaction.ended' ? draft.data.meterStopWh : undefined
  return book.apply(step, facts, {
    eventId,
    nowMs,
    ...(meterStopWh === undefined ? {} : { meterStopWh }),
    ...(decision ? { decision } : {})
  })
}
