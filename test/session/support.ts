import { strictEqual } from 'node:assert'
import type { Decision } from '../../src/events/decision.ts'
import type { GatewayEvent } from '../../src/events/envelope.ts'
import { rulesOf } from '../../src/events/to-events.ts'
import type { ChargePointRecord, CommandOutcome, StoreChange, TransactionRecord } from '../../src/ports/records.ts'
import { createValidator, type PayloadValidator } from '../../src/protocol/validate.ts'
import type { OcppVersion } from '../../src/protocol/version.ts'
import type { CloseReason } from '../../src/session/close-reasons.ts'
import type {
  ChargePointSession,
  Effect,
  SessionCommand,
  SessionIds,
  SessionSettings,
  SessionStart
} from '../../src/session/effect.ts'
import { Session } from '../../src/session/session.ts'
import { assertValidEvent } from '../support/valid-event.ts'

export const startMs = Date.UTC(2026, 10, 23, 10)
export const totals = { bytesIn: 10, bytesOut: 20, framesIn: 1, framesOut: 2 }

export const defaults: SessionSettings = {
  node: 'gw-0',
  bootIntervalS: 300,
  queueCallsMax: 10,
  replayWindowMs: 300_000,
  replayAnswersMax: 32,
  badFramesMax: 5,
  leniency: 'tolerant',
  includeRaw: 'when_needed',
  openTransactionsMax: 8,
  endedTransactionsMax: 8,
  violationsPerMinuteMax: 100
}

const validators = new Map<OcppVersion, PayloadValidator>()
export function validatorOf(version: OcppVersion): PayloadValidator {
  const validator = validators.get(version) ?? createValidator(version)
  validators.set(version, validator)
  return validator
}

export function countedIds(): SessionIds {
  let events = 0
  let messages = 0
  return {
    eventId: () => `0199${String(++events).padStart(4, '0')}-0000-7000-8000-000000000000`,
    messageId: () => `m-${++messages}`
  }
}

/** The frame, parsed. C5, quirk 31: what the gateway answers is valid by the schema, or stations boot again and again. */
export function checkedFrame(version: OcppVersion, { text, frame }: Extract<Effect, { kind: 'send' }>): unknown[] {
  const message: unknown[] = JSON.parse(text)
  if (frame.kind === 'call_result') {
    const checked = validatorOf(version).validateResponse(frame.action ?? '', message[2])
    strictEqual(checked.ok ? '' : `${text}: ${checked.detail}`, '')
  }
  return message
}

export function sessionOf(start: SessionStart, settings: SessionSettings, ids = countedIds()): ChargePointSession {
  const { version } = start
  return new Session({ settings, ids, validator: validatorOf(version), rules: rulesOf(version) }, start)
}

export interface RigOptions {
  readonly version?: OcppVersion
  readonly settings?: Partial<SessionSettings>
  /** Absent: accepted. Null: nothing is on record. */
  readonly registration?: 'accepted' | 'pending' | 'rejected' | null
  readonly record?: ChargePointRecord
  readonly transactions?: readonly TransactionRecord[]
  readonly epoch?: number
  readonly ids?: SessionIds
  /** What is answered at once, as a gateway with nothing to wait for would; by default everything. */
  readonly manual?: readonly ('durable' | 'decide' | 'identify' | 'clear')[]
  readonly decision?: Decision
  readonly flags?: readonly string[]
}

export const accepted: Decision = {
  decidedBy: 'local',
  authorization: { status: 'accepted' },
  registration: { status: 'accepted', intervalS: 300 }
}

export function recordOf(status: 'accepted' | 'pending' | 'rejected' | null, version: OcppVersion): ChargePointRecord {
  const registration = status === null ? {} : { registration: { status, intervalS: 300, decidedAtMs: startMs - 1 } }
  return { chargePointId: 'CP-1', epoch: 1, version, connections: [], ...registration }
}

/** A session with a small gateway around it, which answers what `manual` does not name at once. */
export class Rig {
  readonly session: ChargePointSession
  readonly effects: Effect[] = []
  readonly events: GatewayEvent[] = []
  readonly changes: StoreChange[] = []
  /** Frames sent, parsed. */
  readonly sent: unknown[][] = []
  readonly settled: { commandId: string; outcome: CommandOutcome }[] = []
  readonly version: OcppVersion
  readonly #manual: ReadonlySet<string>
  decision: Decision
  nowMs = startMs
  nextTransactionId = 1000
  wakeAtMs: number | undefined
  closed: CloseReason | undefined

  constructor(options: RigOptions = {}) {
    const { version = '1.6', registration = 'accepted', epoch = 7, transactions = [], manual = [] } = options
    this.version = version
    this.#manual = new Set(manual)
    this.decision = options.decision ?? accepted
    const record = options.record ?? (registration === null ? undefined : recordOf(registration, version))
    const start: SessionStart = {
      chargePointId: 'CP-1',
      version,
      epoch,
      remoteAddress: '192.0.2.1',
      subprotocol: `ocpp${version}`,
      record,
      transactions,
      ...(options.flags ? { flags: options.flags } : {})
    }
    const settings = { ...defaults, ...options.settings }
    this.session = sessionOf(start, settings, options.ids)
    this.take(this.session.open(this.nowMs))
  }

  /** Carry out effects, and what answering them causes. */
  take(effects: readonly Effect[]): readonly Effect[] {
    for (const effect of effects) this.#carryOut(effect)
    return effects
  }

  #carryOut(effect: Effect): void {
    this.effects.push(effect)
    const { session, nowMs } = this
    const isAuto = !this.#manual.has(effect.kind === 'publish' ? 'durable' : effect.kind)
    if (effect.kind === 'send') this.sent.push(checkedFrame(this.version, effect))
    else if (effect.kind === 'settle') this.settled.push(effect)
    else if (effect.kind === 'wake') this.wakeAtMs = effect.atMs
    else if (effect.kind === 'close') this.closed = effect.reason
    else if (effect.kind === 'publish') {
      for (const { event, changes } of effect.entries) {
        assertValidEvent(event)
        this.events.push(event)
        this.changes.push(...changes)
      }
      if (isAuto && effect.ticket !== undefined) this.take(session.durable(effect.ticket, nowMs))
    } else if (effect.kind === 'decide' && isAuto) this.take(session.decided(effect.ticket, this.decision, nowMs))
    else if (effect.kind === 'identify' && isAuto) {
      this.take(session.identified(effect.ticket, this.nextTransactionId++, nowMs))
    } else if (effect.kind === 'clear' && isAuto) this.take(session.cleared(effect.commandId, 'written', nowMs))
  }

  frame(text: string): readonly Effect[] {
    return this.take(this.session.frame(text, this.nowMs))
  }

  /** A CALL; what it was answered at once, if anything. */
  call(id: string | number, action: string, payload: unknown): unknown[] | undefined {
    const before = this.sent.length
    this.frame(JSON.stringify([2, id, action, payload]))
    return this.sent[before]
  }

  result(id: unknown, payload: unknown): readonly Effect[] {
    return this.frame(JSON.stringify([3, id, payload]))
  }

  error(id: unknown, code: string, description = '', details: unknown = {}): readonly Effect[] {
    return this.frame(JSON.stringify([4, id, code, description, details]))
  }

  enqueue(commandId: string, action = 'ClearCache', rest: Partial<SessionCommand> = {}): readonly Effect[] {
    const command: SessionCommand = {
      commandId,
      action,
      payload: {},
      priority: 'normal',
      timeoutMs: 30_000,
      expiresAtMs: this.nowMs + 3_600_000,
      ...rest
    }
    return this.take(this.session.enqueue(command, this.nowMs))
  }

  tick(forwardMs = 0): readonly Effect[] {
    this.nowMs += forwardMs
    return this.take(this.session.tick(this.nowMs))
  }

  close(reason: CloseReason = 'connection_lost', recordIsOthers = false): readonly Effect[] {
    return this.take(this.session.close(reason, totals, this.nowMs, recordIsOthers))
  }

  /** The open effects of a kind, oldest first. */
  all<K extends Effect['kind']>(kind: K): Extract<Effect, { kind: K }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind)
  }

  last<K extends Effect['kind']>(kind: K): Extract<Effect, { kind: K }> {
    const found = this.all(kind).at(-1)
    if (!found) throw new Error(`there is no effect ${kind}`)
    return found
  }

  eventsOf(type: string): GatewayEvent[] {
    return this.events.filter((event) => event.type === type)
  }

  event(type: string): GatewayEvent & { readonly data: Readonly<Record<string, unknown>> } {
    const found = this.eventsOf(type)
    strictEqual(found.length, 1, `one event ${type}, not ${found.length}`)
    return found[0] as GatewayEvent & { readonly data: Readonly<Record<string, unknown>> }
  }

  counted(what: string): number {
    return this.all('count').reduce((sum, effect) => (effect.what === what ? sum + effect.n : sum), 0)
  }
}

/** Code of a CALLERROR, or undefined when it is none. */
export function codeOf(answer: unknown[] | undefined): unknown {
  return answer?.[0] === 4 ? answer[2] : undefined
}

export const v16Boot = { chargePointVendor: 'V', chargePointModel: 'M', firmwareVersion: '1.2' }
export const v201Boot = { reason: 'PowerUp', chargingStation: { vendorName: 'V', model: 'M', serialNumber: 'S-1' } }
export const v16Status = { connectorId: 1, errorCode: 'NoError', status: 'Available' }
export const v201Status = {
  timestamp: '2026-11-23T10:00:00Z',
  connectorStatus: 'Available',
  evseId: 1,
  connectorId: 1
}
export const v16Start = { connectorId: 1, idTag: 'TAG-1', meterStart: 100, timestamp: '2026-11-23T09:59:58Z' }
export function v16Stop(transactionId: number, rest: object = {}): object {
  return { transactionId, meterStop: 600, timestamp: '2026-11-23T10:30:00Z', reason: 'Local', ...rest }
}
export function v16Meter(transactionId?: number): object {
  const meterValue = [{ timestamp: '2026-11-23T10:00:00Z', sampledValue: [{ value: '200' }] }]
  return { connectorId: 1, meterValue, ...(transactionId === undefined ? {} : { transactionId }) }
}
export function v201Event(eventType: string, seqNo: number, rest: object = {}): object {
  return {
    eventType,
    seqNo,
    timestamp: '2026-11-23T10:00:00Z',
    triggerReason: 'Authorized',
    transactionInfo: { transactionId: 'TX-1' },
    ...rest
  }
}
