import type { Decision } from '../events/decision.ts'
import type { WriteVerdict } from '../ports/ledger.ts'
import {
  type ChargePointRecord,
  type ConnectionRecord,
  connectionHistoryMax,
  keyOf,
  type StoreChange
} from '../ports/records.ts'
import { spell } from '../protocol/errors.ts'
import { decodeFrame } from '../protocol/frame.ts'
import type { FrameFault } from '../protocol/message.ts'
import type { OcppVersion } from '../protocol/version.ts'
import { type CloseReason, closeReasons } from './close-reasons.ts'
import { SessionContext, type SessionTools, timeText } from './context.ts'
import { Downward } from './downward.ts'
import type { ChargePointSession, ConnectionTotals, Effect, SessionCommand, SessionStart } from './effect.ts'
import { Upward } from './upward.ts'

const nothing: readonly Effect[] = Object.freeze([])

/** One charge point's conversation on one connection. It owns no socket, no timer and no bus: it returns effects. */
export class Session implements ChargePointSession {
  readonly #context: SessionContext
  readonly #upward: Upward
  readonly #downward: Downward
  #state: 'new' | 'open' | 'closed' = 'new'
  #openedAtMs = 0
  #lastSeenAtMs = 0
  #wakeAtMs = Number.POSITIVE_INFINITY
  #badFrames = 0
  /** Bad frames have ended the conversation; it closes once what came before is answered. */
  #ending: 'no' | 'asked' | 'done' = 'no'

  constructor(tools: SessionTools, start: SessionStart) {
    this.#context = new SessionContext(tools, start)
    this.#downward = new Downward(this.#context)
    this.#upward = new Upward(this.#context, this.#downward)
  }

  get chargePointId(): string {
    return this.#context.start.chargePointId
  }

  get version(): OcppVersion {
    return this.#context.start.version
  }

  get epoch(): number {
    return this.#context.start.epoch
  }

  get record(): ChargePointRecord {
    return this.#context.record
  }

  get unanswered(): number {
    return this.#upward.unanswered
  }

  get queuedCalls(): number {
    return this.#downward.queuedCalls
  }

  get awaitsAnswer(): boolean {
    return this.#downward.awaitsAnswer
  }

  get lastSeenAtMs(): number {
    return this.#lastSeenAtMs
  }

  get settled(): boolean {
    return this.#upward.unanswered === 0 && this.#downward.isIdle
  }

  open(nowMs: number): readonly Effect[] {
    if (this.#state !== 'new') return nothing
    this.#state = 'open'
    this.#openedAtMs = nowMs
    this.#lastSeenAtMs = nowMs
    const context = this.#context
    const { chargePointId, version, epoch, remoteAddress, subprotocol, record, flags } = context.start
    context.record = { ...context.record, connections: this.#historyWith(nowMs) }
    const data = {
      version,
      subprotocol,
      remoteAddress,
      ...(record && record.version !== version ? { previousVersion: record.version } : {}),
      ...(flags && flags.length > 0 ? { flags } : {})
    }
    const opened = { chargePointId, epoch, version, connectedAtMs: nowMs }
    const changes: readonly StoreChange[] = [
      context.recordChange(),
      { table: 'openEpochs', key: keyOf.openEpoch(chargePointId, epoch), value: opened }
    ]
    const entry = context.entry({ type: 'charge_point.connected', data }, {}, nowMs, changes)
    return [{ kind: 'publish', entries: [entry] }]
  }

  frame(text: string, nowMs: number): readonly Effect[] {
    if (this.#state !== 'open') return nothing
    this.#lastSeenAtMs = nowMs
    const out: Effect[] = []
    this.#handle(text, out, nowMs)
    return this.#finish(out)
  }

  decided(ticket: number, decision: Decision, nowMs: number): readonly Effect[] {
    return this.#input((out) => this.#upward.decided(ticket, decision, out, nowMs))
  }

  identified(ticket: number, transactionId: number, nowMs: number): readonly Effect[] {
    return this.#input((out) => this.#upward.identified(ticket, transactionId, out, nowMs))
  }

  durable(ticket: number, nowMs: number): readonly Effect[] {
    if (this.#state !== 'open') return nothing
    const out: Effect[] = []
    this.#upward.durable(ticket, out, nowMs)
    return this.#finish(out)
  }

  enqueue(command: SessionCommand, nowMs: number): readonly Effect[] {
    return this.#input((out) => this.#downward.enqueue(command, out, nowMs))
  }

  cleared(commandId: string, verdict: WriteVerdict, nowMs: number): readonly Effect[] {
    return this.#input((out) => this.#downward.cleared(commandId, verdict, out, nowMs))
  }

  cancel(commandId: string, nowMs: number): readonly Effect[] {
    return this.#input((out) => this.#downward.cancel(commandId, out, nowMs))
  }

  tick(nowMs: number): readonly Effect[] {
    // Whatever was to wake us has done so: what is still to come is asked for anew.
    this.#wakeAtMs = Number.POSITIVE_INFINITY
    return this.#input((out) => this.#downward.tick(out, nowMs))
  }

  stop(_nowMs: number): readonly Effect[] {
    return this.#input((out) => this.#downward.stop(out))
  }

  close(reason: CloseReason, totals: ConnectionTotals, nowMs: number, recordIsOthers = false): readonly Effect[] {
    if (this.#state === 'closed') return nothing
    const wasOpen = this.#state === 'open'
    this.#state = 'closed'
    const out: Effect[] = []
    this.#downward.close(out)
    this.#upward.close()
    if (!wasOpen) return out
    const changes = recordIsOthers ? [] : [this.#endOfRecord(reason, nowMs)]
    this.#publishDisconnected(reason, totals, changes, out, nowMs)
    return out
  }

  #input(act: (out: Effect[]) => void): readonly Effect[] {
    if (this.#state !== 'open') return nothing
    const out: Effect[] = []
    act(out)
    return this.#finish(out)
  }

  #finish(out: Effect[]): readonly Effect[] {
    if (this.#ending === 'asked' && this.#upward.unanswered === 0) {
      this.#ending = 'done'
      out.push({ kind: 'close', reason: 'bad_frames' })
    }
    const deadlineMs = this.#downward.deadlineMs
    if (deadlineMs !== this.#wakeAtMs) {
      this.#wakeAtMs = deadlineMs
      // An alarm that is no longer needed costs one idle tick.
      if (deadlineMs !== Number.POSITIVE_INFINITY) out.push({ kind: 'wake', atMs: deadlineMs })
    }
    return out
  }

  #handle(text: string, out: Effect[], nowMs: number): void {
    const { start, tools } = this.#context
    const frame = decodeFrame(text, start.version, tools.settings.leniency)
    if (frame.kind === 'fault') {
      this.#handleFault(frame, out, nowMs)
      return
    }
    this.#badFrames = 0
    switch (frame.kind) {
      case 'call':
        // A conversation that ends takes up nothing new; what it does not answer comes again on the next connection.
        if (this.#ending === 'no') this.#upward.call(frame, text, out, nowMs)
        return
      case 'send':
        if (this.#ending === 'no') this.#upward.send(frame, out, nowMs)
        return
      case 'call_result':
        this.#downward.result(frame, out, nowMs)
        return
      case 'call_error':
        this.#downward.error(frame, out, nowMs)
        return
      case 'call_result_error':
        // The charge point could not use an answer of ours, and there is nothing to answer to that. (rule 41)
        out.push({ kind: 'count', what: 'ignored_frame', n: 1 })
        return
    }
  }

  #handleFault(frame: FrameFault, out: Effect[], nowMs: number): void {
    const { fault, detail, answer } = frame
    // Quirk 13, and what the version tells to ignore (D3): counted, and no sign of a broken station.
    if (fault === 'empty_frame' || (fault === 'unknown_message_type' && !answer)) {
      out.push({ kind: 'count', what: 'ignored_frame', n: 1 })
      return
    }
    const { start, tools } = this.#context
    const code = answer ? { code: spell(answer.code, start.version) } : {}
    const about = answer ? { messageId: answer.id } : {}
    this.#context.violation({ violation: fault, detail, ...code }, about, out, nowMs)
    this.#downward.brokenAnswer(frame, out, nowMs)
    if (answer && this.#ending === 'no') this.#upward.fault(answer.id, answer.code, detail, out, nowMs)
    this.#badFrames += 1
    if (this.#badFrames > tools.settings.badFramesMax && this.#ending === 'no') this.#ending = 'asked'
  }

  /** Newest first. A connection that is still open there is the one that this one replaces. */
  #historyWith(nowMs: number): readonly ConnectionRecord[] {
    const { epoch, version, remoteAddress } = this.#context.start
    const earlier = this.#context.record.connections.map((connection) =>
      connection.disconnectedAtMs === undefined
        ? { ...connection, disconnectedAtMs: nowMs, reason: 'replaced' }
        : connection
    )
    const { node } = this.#context.tools.settings
    return [{ epoch, node, version, remoteAddress, connectedAtMs: nowMs }, ...earlier].slice(0, connectionHistoryMax)
  }

  #endOfRecord(reason: CloseReason, nowMs: number): StoreChange {
    const context = this.#context
    const { registration, ...record } = context.record
    const [own, ...earlier] = record.connections
    const connections = own ? [{ ...own, disconnectedAtMs: nowMs, reason }, ...earlier] : earlier
    // Who loses the permission to connect is not registered any more. (D6)
    const kept = registration && reason !== 'revoked' ? { registration } : {}
    context.record = { ...record, ...kept, connections }
    return context.recordChange()
  }

  #publishDisconnected(
    reason: CloseReason,
    totals: ConnectionTotals,
    endOfRecord: readonly StoreChange[],
    out: Effect[],
    nowMs: number
  ): void {
    const context = this.#context
    const { chargePointId, epoch } = context.start
    const closed: StoreChange = { table: 'openEpochs', key: keyOf.openEpoch(chargePointId, epoch), value: null }
    const { lastSequence } = context
    const data = {
      reason,
      text: closeReasons[reason].text,
      connectedAt: timeText(this.#openedAtMs),
      durationMs: Math.max(0, nowMs - this.#openedAtMs),
      ...totals,
      ...(lastSequence === undefined ? {} : { lastSequence })
    }
    const entry = context.entry({ type: 'charge_point.disconnected', data }, {}, nowMs, [closed, ...endOfRecord])
    out.push({ kind: 'publish', entries: [entry] })
  }
}
