import type { Decision } from '../events/decision.ts'
import { formatSequence, type GatewayEvent, makeEvent } from '../events/envelope.ts'
import type { EventData, EventDraft } from '../events/model.ts'
import type { CompiledRule } from '../events/to-events.ts'
import { type ChargePointRecord, keyOf, type StoreChange } from '../ports/records.ts'
import type { MessageId } from '../protocol/message.ts'
import type { PayloadValidator } from '../protocol/validate.ts'
import type { Effect, EventEntry, SessionIds, SessionSettings, SessionStart } from './effect.ts'
import { TransactionBook } from './transaction-book.ts'

/** What all sessions of one version share. */
export interface SessionTools {
  readonly settings: SessionSettings
  readonly ids: SessionIds
  readonly validator: PayloadValidator
  readonly rules: ReadonlyMap<string, CompiledRule>
}

/** Which message an event comes from, and which command caused it. */
export interface EventAbout {
  readonly action?: string
  readonly messageId?: MessageId
  readonly correlationId?: string
}

export interface Violation {
  readonly violation: EventData['protocol.violation']['violation']
  readonly detail: string
}

const violationWindowMs = 60_000
const noChanges: readonly StoreChange[] = Object.freeze([])

/** UTC, milliseconds, Z. (C5) */
export function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

/** What the way up and the way down of one session have in common: who it is, what is remembered, what is published. */
export class SessionContext {
  readonly tools: SessionTools
  readonly start: SessionStart
  record: ChargePointRecord
  #sequence = 0
  #book: TransactionBook | undefined
  #solicited: Set<string> | undefined
  #violationsSinceMs = Number.NEGATIVE_INFINITY
  #violations = 0
  #suppressed = 0

  constructor(tools: SessionTools, start: SessionStart) {
    this.tools = tools
    this.start = start
    const { chargePointId, epoch, version, record } = start
    this.record = { ...record, chargePointId, epoch, version, connections: record?.connections ?? [] }
  }

  get registration(): ChargePointRecord['registration'] {
    return this.record.registration
  }

  /** The transactions are looked into when one is first spoken of. */
  get book(): TransactionBook {
    if (!this.#book) {
      const { chargePointId, version, epoch, transactions } = this.start
      const { openTransactionsMax, endedTransactionsMax } = this.tools.settings
      const bounds = { openTransactionsMax, endedTransactionsMax }
      this.#book = new TransactionBook({ chargePointId, version, epoch, transactions, ...bounds })
    }
    return this.#book
  }

  /** Actions that a CALL of ours has asked for on this connection. */
  get solicited(): ReadonlySet<string> | undefined {
    return this.#solicited
  }

  /** Nothing is gated for an accepted charge point, so there is nothing to remember either. */
  solicit(actions: readonly string[]): void {
    if (this.registration?.status === 'accepted') return
    for (const action of actions) {
      this.#solicited ??= new Set()
      this.#solicited.add(action)
    }
  }

  /** `sequence` of the newest event; undefined when there is none. */
  get lastSequence(): string | undefined {
    return this.#sequence === 0 ? undefined : formatSequence(this.start.epoch, this.#sequence)
  }

  /** Put the envelope around a draft; `time` is UTC text. What is made here is published: sequences have no gaps. */
  event(draft: EventDraft, { action, messageId, correlationId }: EventAbout, time: string): GatewayEvent {
    const { start, tools } = this
    this.#sequence += 1
    return makeEvent(draft, {
      id: tools.ids.eventId(),
      chargePointId: start.chargePointId,
      time,
      node: tools.settings.node,
      schemaBaseUrl: tools.settings.schemaBaseUrl,
      ocppversion: start.version,
      ocppaction: action,
      ocppmessageid: messageId,
      position: { epoch: start.epoch, n: this.#sequence },
      correlationid: correlationId
    })
  }

  entry(draft: EventDraft, about: EventAbout, nowMs: number, changes: readonly StoreChange[] = noChanges): EventEntry {
    return { event: this.event(draft, about, timeText(nowMs)), changes }
  }

  /** A message that broke the protocol: always counted, published so many times a minute. (D2) */
  violation(violation: Violation & { readonly code?: string }, about: EventAbout, out: Effect[], nowMs: number): void {
    out.push({ kind: 'count', what: 'violation', n: 1 })
    if (nowMs - this.#violationsSinceMs >= violationWindowMs) {
      this.#violationsSinceMs = nowMs
      this.#violations = 0
    }
    this.#violations += 1
    if (this.#violations > this.tools.settings.violationsPerMinuteMax) {
      this.#suppressed += 1
      return
    }
    const data = this.#suppressed === 0 ? violation : { ...violation, suppressed: this.#suppressed }
    this.#suppressed = 0
    out.push({ kind: 'publish', entries: [this.entry({ type: 'protocol.violation', data }, about, nowMs)] })
  }

  /** The change of the charge point's record, as it stands now. */
  recordChange(): StoreChange {
    return { table: 'chargePoints', key: keyOf.chargePoint(this.start.chargePointId), value: this.record }
  }

  /** A BootNotification was decided: it belongs to the identity, not to the connection. (rule 55, D6) */
  registered(booted: EventData['charge_point.booted'], decision: Decision | undefined, nowMs: number): StoreChange {
    const { status, intervalS } = decision?.registration ?? {
      status: 'rejected',
      intervalS: this.tools.settings.bootIntervalS
    }
    const { vendor, model, firmwareVersion, serialNumber } = booted
    this.record = {
      ...this.record,
      registration: { status, intervalS, decidedAtMs: nowMs },
      vendor,
      model,
      ...(firmwareVersion === undefined ? {} : { firmware: firmwareVersion }),
      ...(serialNumber === undefined ? {} : { serialNumber })
    }
    return this.recordChange()
  }
}
