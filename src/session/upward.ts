import type { Decision } from '../events/decision.ts'
import { type CallOrigin, createOrigin } from '../events/origin.ts'
import { type CompiledRule, toEvents } from '../events/to-events.ts'
import { type ErrorCode, spell } from '../protocol/errors.ts'
import { encodeError } from '../protocol/frame.ts'
import type { Call, MessageId, Send } from '../protocol/message.ts'
import { AnswerQueue } from './answer-queue.ts'
import type { SessionContext, Violation } from './context.ts'
import type { Downward } from './downward.ts'
import type { Effect } from './effect.ts'
import { gateCall } from './gate.ts'
import { type CallRule, commitCall, type MappedCall, mapCall, nextQuestion, type PendingCall } from './pending-call.ts'
import { failureOf, noRow, notAccepted, type Refusal, violationOf } from './refusal.ts'
import { type KeptAnswer, Replay } from './replay.ts'

interface Flagged {
  readonly flags?: readonly string[]
}

/** A message that waits until every CALL before it is decided. */
type Waiting =
  | { readonly kind: 'call'; readonly call: Call & Flagged; readonly kept: KeptAnswer | undefined }
  | { readonly kind: 'send'; readonly send: Send & Flagged }
  /** A CALL that came again: it gets the answer of the first. */
  | { readonly kind: 'repeat'; readonly kept: KeptAnswer }
  /** No usable CALL, but owed a CALLERROR. */
  | { readonly kind: 'fault'; readonly id: MessageId; readonly code: ErrorCode; readonly detail: string }

const triggerBoot = { action: 'TriggerMessage', payload: { requestedMessage: 'BootNotification' } } as const
/**
 * The way up: CALLs are dealt with one after the other, and answered in their order once their events are durable. The
 * charge point may send as many at once as it likes. (rule 48, C6)
 */
export class Upward {
  readonly #context: SessionContext
  readonly #downward: Downward
  readonly #answers = new AnswerQueue()
  #inbox: Waiting[] = []
  #pending: PendingCall | undefined
  #replay: Replay | undefined
  #tickets = 0
  #hasTriggeredBoot = false

  constructor(context: SessionContext, downward: Downward) {
    this.#context = context
    this.#downward = downward
  }

  /** Messages that are not answered yet, with those that wait for their turn. */
  get unanswered(): number {
    return this.#inbox.length + (this.#pending ? 1 : 0) + this.#answers.length
  }

  call(call: Call & Flagged, text: string, out: Effect[], nowMs: number): void {
    // What has no effect needs no memory: a Heartbeat is answered afresh, because its time would be stale. (D7)
    const rule = this.#context.tools.rules.get(call.action)
    if (!rule?.answer || rule.ack === 'immediate') {
      this.#take({ kind: 'call', call, kept: undefined }, out, nowMs)
      return
    }
    const { replayWindowMs, replayAnswersMax } = this.#context.tools.settings
    this.#replay ??= new Replay(replayWindowMs, replayAnswersMax)
    const earlier = this.#replay.find(call.id, text, nowMs)
    // A settled BootNotification is answered afresh too. (D7)
    if (earlier && !(call.action === 'BootNotification' && earlier.text !== undefined)) {
      out.push({ kind: 'count', what: 'replayed_answer', n: 1 })
      this.#take({ kind: 'repeat', kept: earlier }, out, nowMs)
      return
    }
    this.#take({ kind: 'call', call, kept: this.#replay.begin(call.id, text, nowMs) }, out, nowMs)
  }

  send(send: Send & Flagged, out: Effect[], nowMs: number): void {
    this.#take({ kind: 'send', send }, out, nowMs)
  }

  /** Answer a frame that was no usable CALL, when its turn comes. */
  fault(id: MessageId, code: ErrorCode, detail: string, out: Effect[], nowMs: number): void {
    this.#take({ kind: 'fault', id, code, detail }, out, nowMs)
  }

  decided(ticket: number, decision: Decision, out: Effect[], nowMs: number): void {
    const pending = this.#pending
    if (pending?.asked?.kind !== 'decide' || pending.asked.ticket !== ticket) return
    pending.origin.decision = decision
    this.#proceed(pending, out, nowMs)
    this.#drain(out, nowMs)
  }

  identified(ticket: number, transactionId: number, out: Effect[], nowMs: number): void {
    const pending = this.#pending
    if (pending?.asked?.kind !== 'identify' || pending.asked.ticket !== ticket) return
    pending.transactionId = String(transactionId)
    this.#proceed(pending, out, nowMs)
    this.#drain(out, nowMs)
  }

  durable(ticket: number, out: Effect[], nowMs: number): void {
    this.#answers.durable(ticket)
    this.#answers.flush(out, nowMs)
  }

  /** Nothing more is answered. */
  close(): void {
    this.#inbox = []
    this.#pending = undefined
    this.#answers.clear()
  }

  #take(waiting: Waiting, out: Effect[], nowMs: number): void {
    if (this.#pending) this.#inbox.push(waiting)
    else this.#begin(waiting, out, nowMs)
  }

  #drain(out: Effect[], nowMs: number): void {
    while (!this.#pending) {
      const waiting = this.#inbox.shift()
      if (!waiting) return
      this.#begin(waiting, out, nowMs)
    }
  }

  #begin(waiting: Waiting, out: Effect[], nowMs: number): void {
    switch (waiting.kind) {
      case 'call':
        this.#beginCall(waiting.call, waiting.kept, out, nowMs)
        return
      case 'send':
        this.#handleSend(waiting.send, out, nowMs)
        return
      case 'repeat':
        this.#answers.addRepeat(waiting.kept)
        this.#answers.flush(out, nowMs)
        return
      case 'fault':
        this.#answerError(waiting, undefined, out, nowMs)
        return
    }
  }

  #beginCall(call: Call & Flagged, kept: KeptAnswer | undefined, out: Effect[], nowMs: number): void {
    const { tools, start, registration, solicited } = this.#context
    const { action } = call
    if (!registration && start.version === '1.6' && action !== 'BootNotification') this.#triggerBoot(out, nowMs)
    const gate = gateCall(start.version, registration?.status, action, solicited)
    if (gate === 'refused') {
      this.#refuse(call, kept, notAccepted, out, nowMs)
      return
    }
    const checked = tools.validator.validateRequest(action, call.payload, tools.settings.leniency)
    if (!checked.ok) {
      this.#refuse(call, kept, { ...checked, violation: violationOf(checked.code) }, out, nowMs)
      return
    }
    const rule = tools.rules.get(action)
    if (!isCallRule(rule)) {
      this.#refuse(call, kept, noRow, out, nowMs)
      return
    }
    const flags = gate === 'unregistered' ? ['notRegistered', ...(call.flags ?? noFlags)] : call.flags
    const origin = this.#originOf(action, flags, checked.flags, out, nowMs)
    const payload = checked.payload === undefined ? call.payload : checked.payload
    this.#proceed({ call, kept, rule, payload, origin }, out, nowMs)
  }

  /** Go on as far as nobody has to be asked. A row that fails costs this CALL an InternalError, and no more. */
  #proceed(pending: PendingCall, out: Effect[], nowMs: number): void {
    this.#pending = undefined
    let mapped: MappedCall
    try {
      const question = nextQuestion(this.#context, pending, this.#tickets + 1)
      if (question) {
        this.#tickets += 1
        this.#pending = pending
        out.push(question)
        return
      }
      mapped = mapCall(this.#context, pending)
    } catch (error) {
      this.#refuse(pending.call, pending.kept, failureOf(error), out, nowMs)
      return
    }
    this.#answer(pending, mapped, out, nowMs)
  }

  #answer(pending: PendingCall, { drafts, text }: MappedCall, out: Effect[], nowMs: number): void {
    const { call, kept } = pending
    const frame = { kind: 'call_result', action: call.action } as const
    if (drafts.length === 0) {
      if (this.#answers.length === 0 && !kept) out.push({ kind: 'send', text, frame })
      else this.#answers.add({ text, frame, kept, ticket: undefined })
      this.#answers.flush(out, nowMs)
      return
    }
    this.#tickets += 1
    const ticket = this.#tickets
    this.#answers.add({ text, frame, kept, ticket })
    out.push({ kind: 'publish', entries: commitCall(this.#context, pending, drafts, out, nowMs), ticket })
  }

  #refuse(call: Call, kept: KeptAnswer | undefined, refusal: Refusal, out: Effect[], nowMs: number): void {
    const { code, violation, detail } = refusal
    const about = { action: call.action, messageId: call.id }
    this.#context.violation({ violation, detail, code: spell(code, this.#context.start.version) }, about, out, nowMs)
    // A refusal is never replayed: the same CALL may be welcome after the next BootNotification.
    if (kept) this.#replay?.forget(call.id, kept)
    this.#answerError({ id: call.id, code, detail }, kept, out, nowMs)
  }

  #answerError(
    { id, code, detail }: { readonly id: MessageId; readonly code: ErrorCode; readonly detail: string },
    kept: KeptAnswer | undefined,
    out: Effect[],
    nowMs: number
  ): void {
    const { version } = this.#context.start
    const frame = { kind: 'call_error', code: spell(code, version) } as const
    this.#answers.add({ text: encodeError(id, code, detail, {}, version), frame, kept, ticket: undefined })
    this.#answers.flush(out, nowMs)
  }

  /** Never answered, not even with an error; no ticket, because nobody waits. [Part 4 2.1 4.2.4, D12] */
  #handleSend(send: Send & Flagged, out: Effect[], nowMs: number): void {
    const { tools, start, registration, solicited } = this.#context
    const { action } = send
    if (gateCall(start.version, registration?.status, action, solicited) !== 'open') {
      this.#drop(send, notAccepted, out, nowMs)
      return
    }
    const checked = tools.validator.validateSend(action, send.payload, tools.settings.leniency)
    if (!checked.ok) {
      this.#drop(send, { violation: violationOf(checked.code), detail: checked.detail }, out, nowMs)
      return
    }
    const rule = tools.rules.get(action)
    if (!rule) {
      this.#drop(send, noRow, out, nowMs)
      return
    }
    const origin = this.#originOf(action, send.flags, checked.flags, out, nowMs)
    const payload = checked.payload === undefined ? send.payload : checked.payload
    try {
      const drafts = toEvents(rule, payload, origin, tools.settings.includeRaw, send.payload)
      const entries = drafts.map((draft) => this.#context.entry(draft, { action, messageId: send.id }, nowMs))
      if (entries.length > 0) out.push({ kind: 'publish', entries })
    } catch (error) {
      this.#drop(send, failureOf(error), out, nowMs)
    }
  }

  #drop({ action, id }: Send, { violation, detail }: Violation, out: Effect[], nowMs: number): void {
    out.push({ kind: 'count', what: 'send_dropped', n: 1 })
    this.#context.violation({ violation, detail }, { action, messageId: id }, out, nowMs)
  }

  #originOf(
    action: string,
    flags: readonly string[] | undefined,
    moreFlags: readonly string[] | undefined,
    out: Effect[],
    nowMs: number
  ): CallOrigin {
    const { start, tools } = this.#context
    const { bootIntervalS } = tools.settings
    const { chargePointId, version } = start
    const facts = { chargePointId, version, action, receivedAtMs: nowMs, bootIntervalS }
    if (!flags && !moreFlags) return createOrigin(facts)
    const all = [...(flags ?? noFlags), ...(moreFlags ?? noFlags)]
    out.push({ kind: 'count', what: 'leniency', n: all.length })
    return createOrigin({ ...facts, flags: all })
  }

  /** 1.6 without a decision on record (migration, lost store): ask for the BootNotification, once. (D6, quirk 28) */
  #triggerBoot(out: Effect[], nowMs: number): void {
    if (this.#hasTriggeredBoot) return
    this.#hasTriggeredBoot = true
    this.#downward.sendOwn(triggerBoot, out, nowMs)
  }
}

const noFlags: readonly string[] = Object.freeze([])

function isCallRule(rule: CompiledRule | undefined): rule is CallRule {
  return rule?.answer !== undefined
}
