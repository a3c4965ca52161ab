import { outcomeOf } from '../commands/outcome.ts'
import type { EventData } from '../events/model.ts'
import type { WriteVerdict } from '../ports/ledger.ts'
import { encodeCall, encodeResultError } from '../protocol/frame.ts'
import type { CallError, CallResult, FrameFault, MessageId } from '../protocol/message.ts'
import { CommandQueue } from './command-queue.ts'
import type { SessionContext } from './context.ts'
import type { Effect, SessionCommand } from './effect.ts'
import { commandObstacle, solicitedBy } from './gate.ts'
import { expired, notSent, settle, unknown, unsentDetails } from './settlement.ts'

/** How many timed-out CALLs are remembered, so that a late answer finds its command. */
export const lateCallsMax = 16
/** How long the gateway's own TriggerMessage may hold up the commands behind it. */
export const ownCallTimeoutMs = 30_000

/** A CALL of ours that the charge point has not answered. `commandId` is absent for one of the session's own. */
interface OpenCall {
  readonly messageId: string
  readonly commandId?: string
  readonly action: string
  readonly writtenAtMs: number
  readonly deadlineMs: number
}

interface OwnCall {
  readonly action: string
  readonly payload: unknown
}

/** The way down: commands wait here for their turn, and one CALL at a time is open. [OCPP-J 1.6 4.1.1, D5] */
export class Downward {
  readonly #context: SessionContext
  readonly #queue = new CommandQueue()
  /** Taken from the queue; the ledger is being asked whether it may be written. */
  #clearing: SessionCommand | undefined
  #open: OpenCall | undefined
  #own: OwnCall | undefined
  /** By message id, oldest first. */
  #late: Map<string, OpenCall> | undefined
  #stopping = false

  constructor(context: SessionContext) {
    this.#context = context
  }

  get queuedCalls(): number {
    return this.#queue.length + (this.#clearing ? 1 : 0)
  }

  /** True when nothing waits and nothing is open. */
  get isIdle(): boolean {
    return !this.#open && !this.#clearing && !this.#own && this.#queue.length === 0
  }

  /** True while a CALL of ours is open, or about to be. */
  get awaitsAnswer(): boolean {
    return this.#open !== undefined || this.#clearing !== undefined || this.#own !== undefined
  }

  /** When something is to be done without an input. Infinity: never. */
  get deadlineMs(): number {
    const slotMs = this.#open?.deadlineMs ?? this.#clearing?.expiresAtMs ?? Number.POSITIVE_INFINITY
    return Math.min(slotMs, this.#queue.earliestExpiryMs)
  }

  enqueue(command: SessionCommand, out: Effect[], nowMs: number): void {
    const { commandId } = command
    if (this.#queue.has(commandId) || this.#clearing?.commandId === commandId || this.#open?.commandId === commandId) {
      return
    }
    if (this.#stopping) {
      notSent(commandId, 'shutting_down', unsentDetails.shutting_down, out)
      return
    }
    if (this.#queue.length >= this.#context.tools.settings.queueCallsMax) {
      notSent(commandId, 'queue_full', unsentDetails.queue_full(this.#queue.length), out)
      return
    }
    this.#queue.add(command)
    this.#pump(out, nowMs)
  }

  /** A CALL of the session's own: it goes before what waits, and its answer means nothing to anybody. */
  sendOwn(call: OwnCall, out: Effect[], nowMs: number): void {
    if (this.#stopping) return
    this.#own = call
    this.#pump(out, nowMs)
  }

  cancel(commandId: string, out: Effect[], nowMs: number): void {
    const isClearing = this.#clearing?.commandId === commandId
    if (isClearing) this.#clearing = undefined
    else if (!this.#queue.remove(commandId)) return
    notSent(commandId, 'cancelled', undefined, out)
    this.#pump(out, nowMs)
  }

  cleared(commandId: string, verdict: WriteVerdict, out: Effect[], nowMs: number): void {
    const command = this.#clearing
    // Cancelled meanwhile, or never asked: whatever the ledger said, nothing is written.
    if (command?.commandId !== commandId) return
    this.#clearing = undefined
    if (verdict === 'not_owner') {
      const detail = 'the charge point had connected anew before it was written; send a new one'
      notSent(commandId, 'offline', detail, out)
    } else if (verdict !== 'written') {
      const detail = 'the ledger no longer has it as waiting, so it may not be written; send a new one'
      notSent(commandId, 'ledger_lost', detail, out)
    } else if (!this.#isHindered(command, out, nowMs)) this.#write(command, out, nowMs)
    this.#pump(out, nowMs)
  }

  tick(out: Effect[], nowMs: number): void {
    const open = this.#open
    if (open && open.deadlineMs <= nowMs) {
      this.#open = undefined
      if (open.commandId !== undefined) {
        this.#rememberLate(open)
        const detail = `no answer within ${open.deadlineMs - open.writtenAtMs} ms; the charge point may have done it`
        unknown(open.commandId, 'timeout', detail, out)
      }
    }
    const clearing = this.#clearing
    if (clearing && clearing.expiresAtMs <= nowMs) {
      this.#clearing = undefined
      expired(clearing.commandId, out)
    }
    for (const { commandId } of this.#queue.removeExpired(nowMs)) expired(commandId, out)
    this.#pump(out, nowMs)
  }

  result(frame: CallResult, out: Effect[], nowMs: number): void {
    const open = this.#takeOpen(frame.id)
    if (!open) {
      this.#unmatched(frame, out, nowMs)
      return
    }
    this.#settleResult(open, frame, out)
    this.#pump(out, nowMs)
  }

  error(frame: CallError, out: Effect[], nowMs: number): void {
    const open = this.#takeOpen(frame.id)
    if (!open) {
      this.#unmatched(frame, out, nowMs)
      return
    }
    if (open.commandId !== undefined) {
      const { code, description, details } = frame
      settle(open.commandId, { outcome: 'call_error', error: { code, description, details } }, out)
    }
    this.#pump(out, nowMs)
  }

  /** An answer that cannot be read fails its CALL at once: nothing better will come. (quirk 14) */
  brokenAnswer(fault: FrameFault, out: Effect[], nowMs: number): void {
    if (fault.failsCall === undefined) return
    const open = this.#takeOpen(fault.failsCall)
    if (!open) {
      out.push({ kind: 'count', what: 'unmatched_result', n: 1 })
      return
    }
    if (fault.resultError) this.#sendResultError(fault.resultError.id, fault.resultError.code, fault.detail, out)
    if (open.commandId !== undefined) unknown(open.commandId, 'invalid_response', fault.detail, out)
    this.#pump(out, nowMs)
  }

  /** Nothing new is begun. What is open may still be answered. */
  stop(out: Effect[]): void {
    this.#stopping = true
    this.#own = undefined
    this.#endUnwritten('shutting_down', out)
  }

  close(out: Effect[]): void {
    this.#endUnwritten('offline', out)
    const open = this.#open
    this.#open = undefined
    if (open?.commandId !== undefined) {
      unknown(open.commandId, 'disconnected', 'the connection ended before an answer came', out)
    }
  }

  #endUnwritten(reason: 'shutting_down' | 'offline', out: Effect[]): void {
    const detail = unsentDetails[reason]
    const clearing = this.#clearing
    this.#clearing = undefined
    if (clearing) notSent(clearing.commandId, reason, detail, out)
    for (const { commandId } of this.#queue.removeAll()) notSent(commandId, reason, detail, out)
  }

  /** When nothing is open, begin with what comes next: the session's own CALL, else the ledger is asked for a command. */
  #pump(out: Effect[], nowMs: number): void {
    if (this.#open || this.#clearing) return
    if (this.#own) {
      this.#writeOwn(this.#own, out, nowMs)
      return
    }
    for (let command = this.#queue.take(); command; command = this.#queue.take()) {
      if (this.#isHindered(command, out, nowMs)) continue
      this.#clearing = command
      out.push({ kind: 'clear', commandId: command.commandId, atMs: nowMs })
      return
    }
  }

  /** Settles the command and says true when it may not be sent (any more). */
  #isHindered(command: SessionCommand, out: Effect[], nowMs: number): boolean {
    const { commandId, action, expiresAtMs } = command
    if (expiresAtMs <= nowMs) {
      expired(commandId, out)
      return true
    }
    const { start, registration } = this.#context
    const obstacle = commandObstacle(start.version, registration?.status, action)
    if (obstacle === undefined) return false
    notSent(commandId, 'not_registered', obstacle, out)
    return true
  }

  #write({ commandId, action, payload, timeoutMs }: SessionCommand, out: Effect[], nowMs: number): void {
    const messageId = this.#context.tools.ids.messageId()
    this.#open = { messageId, commandId, action, writtenAtMs: nowMs, deadlineMs: nowMs + timeoutMs }
    this.#context.solicit(solicitedBy(action, payload))
    out.push({ kind: 'send', text: encodeCall(messageId, action, payload), frame: { kind: 'call', action } })
  }

  #writeOwn({ action, payload }: OwnCall, out: Effect[], nowMs: number): void {
    this.#own = undefined
    const messageId = this.#context.tools.ids.messageId()
    this.#open = { messageId, action, writtenAtMs: nowMs, deadlineMs: nowMs + ownCallTimeoutMs }
    this.#context.solicit(solicitedBy(action, payload))
    out.push({ kind: 'send', text: encodeCall(messageId, action, payload), frame: { kind: 'call', action } })
  }

  /** By id only, in this session only: no answer ever settles another CALL. (rule 49, D4) */
  #takeOpen(id: MessageId): OpenCall | undefined {
    const open = this.#open
    if (open?.messageId !== id) return undefined
    this.#open = undefined
    return open
  }

  #settleResult({ commandId, action }: OpenCall, { id, payload }: CallResult, out: Effect[]): void {
    const { tools, start } = this.#context
    const checked = tools.validator.validateResponse(action, payload, tools.settings.leniency)
    if (!checked.ok) {
      if (start.version === '2.1') this.#sendResultError(id, checked.code, checked.detail, out)
      if (commandId === undefined) return
      const detail = `the answer is no valid ${action} response: ${checked.detail}`
      settle(commandId, { outcome: 'unknown', reason: 'invalid_response', detail, response: payload }, out)
      return
    }
    if (commandId === undefined) return
    if (checked.flags) out.push({ kind: 'count', what: 'leniency', n: checked.flags.length })
    settle(commandId, { ...outcomeOf(start.version, action, checked.payload ?? payload), response: payload }, out)
  }

  /** OCPP 2.1 alone has an answer to a bad answer. [Part 4 2.1 4.2.3, rule 41] */
  #sendResultError(id: MessageId, code: Parameters<typeof encodeResultError>[1], detail: string, out: Effect[]): void {
    const text = encodeResultError(id, code, detail, {})
    out.push({ kind: 'send', text, frame: { kind: 'call_result_error', code } })
  }

  #rememberLate(open: OpenCall): void {
    this.#late ??= new Map()
    this.#late.set(open.messageId, open)
    for (const oldest of this.#late.keys()) {
      if (this.#late.size <= lateCallsMax) return
      this.#late.delete(oldest)
    }
  }

  /** Counted, never answered; one that answers a command that has timed out is an event. (D8) */
  #unmatched(frame: CallResult | CallError, out: Effect[], nowMs: number): void {
    const late = typeof frame.id === 'string' ? this.#late?.get(frame.id) : undefined
    if (late?.commandId === undefined) {
      out.push({ kind: 'count', what: 'unmatched_result', n: 1 })
      return
    }
    this.#late?.delete(late.messageId)
    out.push({ kind: 'count', what: 'late_answer', n: 1 })
    const data = { commandId: late.commandId, latencyMs: nowMs - late.writtenAtMs, ...this.#saidLate(late, frame) }
    const about = { action: late.action, messageId: late.messageId, correlationId: late.commandId }
    const entry = this.#context.entry({ type: 'command.late_answer', data }, about, nowMs)
    out.push({ kind: 'publish', entries: [entry] })
  }

  #saidLate(late: OpenCall, frame: CallResult | CallError): Partial<EventData['command.late_answer']> {
    if (frame.kind === 'call_error') {
      const { code, description, details } = frame
      return { error: { code, description, details } }
    }
    const { status } = outcomeOf(this.#context.start.version, late.action, frame.payload)
    return status === undefined ? { response: frame.payload } : { status, response: frame.payload }
  }
}
