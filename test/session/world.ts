import { ok, strictEqual } from 'node:assert'
import type { Decision } from '../../src/events/decision.ts'
import type { OcppVersion } from '../../src/protocol/version.ts'
import { ownCallTimeoutMs } from '../../src/session/downward.ts'
import type { ChargePointSession, Effect } from '../../src/session/effect.ts'
import { assertValidEvent } from '../support/valid-event.ts'
import { checkedFrame, defaults, recordOf, sessionOf, startMs, totals } from './support.ts'

/** A frame of the charge point, and what the gateway owes for it. */
export interface Inbound {
  readonly text: string
  /** The id under which an answer is owed. */
  readonly owes?: string
  /** An unusable frame; too many in a row end the connection. `ignored` is neither good nor bad. */
  readonly quality: 'good' | 'bad' | 'ignored'
}

interface Owed {
  readonly id: string
  ticket?: number
  /** The session has said that it repeats an earlier CALL. */
  isRepeat?: boolean
}

interface OpenCall {
  readonly id: string
  readonly commandId: string | undefined
  readonly deadlineMs: number
}

export const badFramesMax = 3
const answeredOutcomes = ['accepted', 'rejected', 'call_error']

/**
 * The outside of one session, which answers its questions in any legal order and holds every effect against what must
 * always be true. It keeps its own, much simpler account of what is owed.
 */
export class World {
  readonly session: ChargePointSession
  readonly version: OcppVersion
  nowMs = startMs
  isClosed = false
  isStopped = false
  isEnding = false
  decides: number[] = []
  identifies: number[] = []
  tickets: number[] = []
  clears: string[] = []
  /** Commands that the session was given, with how often each was settled. */
  readonly settlements = new Map<string, number>()
  readonly timeouts = new Map<string, number>()
  readonly oldMessageIds: string[] = []
  open: OpenCall | undefined
  readonly #granted = new Set<string>()
  readonly #written = new Set<string>()
  readonly #durable = new Set<number>()
  #owed: Owed[] = []
  readonly #answers = new Map<string, string>()
  #badInRow = 0
  #sequence = 0
  #sawDisconnected = false
  #wakeAtMs = Number.POSITIVE_INFINITY
  #commands = 0
  #transactions = 1000

  constructor(version: OcppVersion, registration: 'accepted' | 'pending' | 'rejected' | null) {
    this.version = version
    const settings = { ...defaults, badFramesMax, queueCallsMax: 4, replayAnswersMax: 4, openTransactionsMax: 2 }
    const start = {
      chargePointId: 'CP-1',
      version,
      epoch: 7,
      remoteAddress: '192.0.2.1',
      subprotocol: `ocpp${version}`,
      record: registration === null ? undefined : recordOf(registration, version),
      transactions: []
    }
    this.session = sessionOf(start, settings)
    this.take(this.session.open(this.nowMs))
  }

  frame({ text, owes, quality }: Inbound): void {
    const owed: Owed = { id: owes ?? '' }
    if (owes !== undefined && !this.isEnding && !this.isClosed) this.#owed.push(owed)
    if (quality === 'good') this.#badInRow = 0
    if (quality === 'bad') this.#badInRow += 1
    const effects = this.session.frame(text, this.nowMs)
    owed.isRepeat = effects.some((effect) => effect.kind === 'count' && effect.what === 'replayed_answer')
    this.take(effects)
    if (this.#badInRow > badFramesMax) this.isEnding = true
  }

  /** An answer to one of our CALLs, to the open one or to another. */
  answer(id: string, frame: unknown[]): void {
    const { open } = this
    const isMatch = open?.id === id
    this.#badInRow = 0
    const effects = this.session.frame(JSON.stringify(frame), this.nowMs)
    const settled = effects.filter((effect) => effect.kind === 'settle')
    const answered = settled.filter(
      ({ outcome: { outcome, reason } }) => answeredOutcomes.includes(outcome) || reason === 'invalid_response'
    )
    if (this.isClosed || !isMatch) strictEqual(answered.length, 0, 'an answer to no open CALL settles nothing')
    else if (open.commandId !== undefined) {
      strictEqual(answered.length, 1, 'the answer to the open CALL settles it')
      strictEqual(answered[0]?.commandId, open.commandId, 'an answer settles its own command')
    }
    if (isMatch && !this.isClosed) this.open = undefined
    this.take(effects)
  }

  enqueue(priority: 'high' | 'normal', timeoutMs: number, livesMs: number): void {
    this.#commands += 1
    const commandId = `c-${this.#commands}`
    if (!this.isClosed) this.settlements.set(commandId, 0)
    this.timeouts.set(commandId, timeoutMs)
    const command = { commandId, action: 'DataTransfer', payload: { vendorId: commandId }, priority, timeoutMs }
    this.take(this.session.enqueue({ ...command, expiresAtMs: this.nowMs + livesMs }, this.nowMs))
  }

  decide(ticket: number, decision: Decision): void {
    this.decides = this.decides.filter((other) => other !== ticket)
    this.take(this.session.decided(ticket, decision, this.nowMs))
  }

  identify(ticket: number): void {
    this.identifies = this.identifies.filter((other) => other !== ticket)
    this.#transactions += 1
    this.take(this.session.identified(ticket, this.#transactions, this.nowMs))
  }

  durable(ticket: number): void {
    this.tickets = this.tickets.filter((other) => other !== ticket)
    this.#durable.add(ticket)
    this.take(this.session.durable(ticket, this.nowMs))
  }

  cleared(commandId: string, isGranted: boolean): void {
    this.clears = this.clears.filter((other) => other !== commandId)
    if (isGranted) this.#granted.add(commandId)
    this.take(this.session.cleared(commandId, isGranted ? 'written' : 'ledger_lost', this.nowMs))
  }

  tick(forwardMs: number): void {
    this.nowMs += forwardMs
    this.#wakeAtMs = Number.POSITIVE_INFINITY
    if (this.open && this.open.commandId === undefined && this.open.deadlineMs <= this.nowMs) this.open = undefined
    this.take(this.session.tick(this.nowMs))
  }

  stop(): void {
    this.isStopped = true
    this.take(this.session.stop(this.nowMs))
  }

  close(): void {
    const effects = this.session.close('connection_lost', totals, this.nowMs)
    this.#owed = []
    this.take(effects)
    this.isClosed = true
    ok(this.#sawDisconnected, 'the last event is charge_point.disconnected')
  }

  /** Answer every question until nothing is left; then nothing may be owed. */
  drain(decision: Decision): void {
    for (let round = 0; round < 1000; round += 1) {
      if (this.decides[0] !== undefined) this.decide(this.decides[0], decision)
      else if (this.identifies[0] !== undefined) this.identify(this.identifies[0])
      else if (this.tickets[0] !== undefined) this.durable(this.tickets[0])
      else if (this.clears[0] !== undefined) this.cleared(this.clears[0], true)
      else return
    }
    throw new Error('the session never comes to rest')
  }

  nothingIsOwed(): void {
    strictEqual(this.#owed.length, 0, 'every CALL is answered')
    strictEqual(this.session.unanswered, 0)
  }

  everyCommandHasOneOutcome(): void {
    for (const [commandId, times] of this.settlements) strictEqual(times, 1, `${commandId} has exactly one outcome`)
  }

  take(effects: readonly Effect[]): void {
    if (this.isClosed) strictEqual(effects.length, 0, 'no effect after the close')
    for (const effect of effects) this.#check(effect)
    if (this.open?.commandId !== undefined && !this.isClosed) {
      ok(this.#wakeAtMs <= this.open.deadlineMs, 'somebody wakes the session for the deadline of the open CALL')
    }
    if (!this.isClosed && this.version !== '2.1') strictEqual(this.session.unanswered, this.#owed.length)
  }

  #check(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        this.#checkSent(checkedFrame(this.version, effect), effect.text)
        return
      case 'publish':
        this.#checkPublished(effect)
        return
      case 'decide':
        this.decides.push(effect.ticket)
        return
      case 'identify':
        this.identifies.push(effect.ticket)
        return
      case 'clear':
        strictEqual(this.open, undefined, 'nobody is cleared while a CALL is open')
        this.clears.push(effect.commandId)
        return
      case 'settle':
        this.#checkSettled(effect.commandId)
        return
      case 'wake':
        this.#wakeAtMs = effect.atMs
        return
      case 'close':
        ok(this.isEnding || this.#badInRow > badFramesMax, 'only bad frames make a session close itself')
        strictEqual(this.#owed.length, 0, 'a session closes only once it has answered')
        return
      case 'count':
        ok(effect.n > 0)
        return
    }
  }

  #checkSent([type, id, what, payload]: unknown[], text: string): void {
    if (type === 3 || type === 4) {
      const owed = this.#owed.shift()
      strictEqual(id, owed?.id, 'answers leave in the order of the CALLs, one for each')
      if (owed?.isRepeat) strictEqual(text, this.#answers.get(owed.id), 'a repeated CALL gets the same answer')
      this.#answers.set(String(id), text)
      if (type === 3 && owed?.ticket !== undefined) ok(this.#durable.has(owed.ticket), 'durable before answered')
      return
    }
    if (type === 5) return
    strictEqual(type, 2)
    strictEqual(this.open, undefined, 'at most one CALL is open')
    const isOwn = what === 'TriggerMessage'
    const commandId = isOwn ? undefined : (payload as { readonly vendorId: string }).vendorId
    if (commandId !== undefined) {
      ok(this.#granted.has(commandId), 'nothing is written before the ledger has cleared it')
      ok(!this.#written.has(commandId), 'nothing is written twice')
      strictEqual(this.settlements.get(commandId), 0, 'nothing is written that has its outcome already')
      ok(!this.isStopped, 'nothing is begun after a stop')
      this.#written.add(commandId)
    }
    const timeoutMs = commandId === undefined ? ownCallTimeoutMs : (this.timeouts.get(commandId) ?? 0)
    this.open = { id: String(id), commandId, deadlineMs: this.nowMs + timeoutMs }
    this.oldMessageIds.push(String(id))
  }

  #checkSettled(commandId: string): void {
    const times = this.settlements.get(commandId)
    strictEqual(times, 0, `${commandId} is settled once`)
    this.settlements.set(commandId, 1)
    if (this.open?.commandId === commandId) this.open = undefined
  }

  #checkPublished({ entries, ticket }: Extract<Effect, { kind: 'publish' }>): void {
    ok(entries.length > 0)
    for (const { event } of entries) {
      assertValidEvent(event)
      this.#sequence += 1
      strictEqual(event.sequence, `0000000007-${String(this.#sequence).padStart(10, '0')}`, 'sequences have no gaps')
      strictEqual(event.type === 'charge_point.connected', this.#sequence === 1)
      ok(!this.#sawDisconnected, 'nothing is published after charge_point.disconnected')
      this.#sawDisconnected = event.type === 'charge_point.disconnected'
    }
    if (ticket === undefined) return
    this.tickets.push(ticket)
    const id = entries[0]?.event.ocppmessageid
    const owed = this.#owed.find((other) => other.id === id && other.ticket === undefined && !other.isRepeat)
    ok(owed, 'events with a ticket belong to a CALL that waits for its answer')
    owed.ticket = ticket
  }
}
