import type { Decision } from '../events/decision.ts'
import type { Authority } from '../ports/authority.ts'
import type { Clock } from '../ports/clock.ts'
import type { Directory } from '../ports/directory.ts'
import type { Ledger, WriteVerdict } from '../ports/ledger.ts'
import type { Logger } from '../ports/logger.ts'
import type { CommandOutcome } from '../ports/records.ts'
import type { CloseReason } from '../session/close-reasons.ts'
import type { ChargePointSession, Effect, SessionCommand } from '../session/effect.ts'
import type { GatewayCounters } from './counters.ts'
import { disconnected } from './outcomes.ts'
import type { DurableWaiter, EventPipeline } from './pipeline.ts'
import type { Conversation, Wire } from './wire.ts'

/** The parts of the node that a session's effects reach. One object for all conversations. */
export interface ConversationParts {
  readonly clock: Clock
  readonly authority: Authority
  readonly directory: Pick<Directory, 'nextTransactionId'>
  readonly ledger: Pick<Ledger, 'markWritten'>
  readonly pipeline: EventPipeline
  readonly counters: GatewayCounters
  readonly logger: Logger
  /** `limits.calls_in_flight_max`: unanswered CALLs at which a socket is not read on. */
  readonly callsInFlightMax: number
  /** The command ended; whoever settles it publishes the outcome. */
  readonly settle: (commandId: string, outcome: CommandOutcome) => void
  /** Its socket is not read until the log has room again. */
  readonly held: (conversation: LiveConversation) => void
  /** Called once, when the socket has ended or the session was displaced. */
  readonly ended: (conversation: LiveConversation) => void
}

/** Runs one session's effects against the node and its socket. The only place where a session meets the world. */
export class LiveConversation implements Conversation, DurableWaiter {
  readonly session: ChargePointSession
  readonly remoteAddress: string
  readonly connectedAtMs: number
  readonly #parts: ConversationParts
  readonly #wire: Wire
  #ended = false
  #heldForLog = false
  /** Frames that had been read when the log was full. */
  readonly #unread: string[] = []
  #heldForInflight = false
  #heldForStop = false
  #cancelWake: (() => void) | undefined
  #running = false
  #isClosed = false
  readonly #inputs: ((nowMs: number) => readonly Effect[])[] = []

  constructor(parts: ConversationParts, session: ChargePointSession, wire: Wire, remoteAddress: string) {
    this.#parts = parts
    this.session = session
    this.#wire = wire
    this.remoteAddress = remoteAddress
    this.connectedAtMs = parts.clock.now()
  }

  get ended(): boolean {
    return this.#ended
  }

  open(): void {
    this.#take((nowMs) => this.session.open(nowMs))
  }

  frame(text: string): void {
    if (this.#ended) return
    // What was read from the socket already waits as text: it becomes an event only when there is room for one.
    if (this.#heldForLog || this.#parts.pipeline.full) {
      this.#unread.push(text)
      this.#holdForLog()
      return
    }
    this.#take((nowMs) => this.session.frame(text, nowMs))
    this.#watchInflight()
  }

  durable(ticket: number): void {
    this.#take((nowMs) => this.session.durable(ticket, nowMs))
    this.#watchInflight()
  }

  enqueue(command: SessionCommand): void {
    // An input that waits is lost when the session closes meanwhile; a command must not be.
    if (this.#running) {
      queueMicrotask(() => this.enqueue(command))
      return
    }
    if (this.#ended) {
      this.#parts.settle(command.commandId, disconnected)
      return
    }
    this.#take((nowMs) => this.session.enqueue(command, nowMs))
  }

  cancel(commandId: string): void {
    this.#take((nowMs) => this.session.cancel(commandId, nowMs))
  }

  stop(): void {
    this.#take((nowMs) => this.session.stop(nowMs))
  }

  /** True when a stop may close the socket: nothing is in flight in either direction. */
  quiet(): boolean {
    // A station that talks on would never be done; it is not read any more, unless it owes us an answer.
    if (!this.#heldForStop && !this.session.awaitsAnswer) {
      this.#heldForStop = true
      this.#wire.pause('stop')
    }
    return this.session.settled
  }

  /** Read on: the log has room again. */
  releaseFromLog(): void {
    if (!this.#heldForLog) return
    this.#heldForLog = false
    // In order; when the log fills again the rest waits on, and the socket with it.
    for (const text of this.#unread.splice(0)) this.frame(text)
    if (!this.#heldForLog) this.#wire.resume('log')
  }

  /** End the session now and its socket after it: displaced, revoked, stopped, closed by an operator. */
  end(reason: CloseReason): void {
    this.closed(reason)
    this.#wire.close(reason)
  }

  /**
   * Another connection has this one's place, and the charge point's record with it: what this one knows is out of date, or of
   * the same epoch. Who was displaced by a node that is only about to have a connection must `end`: it may never have one.
   */
  giveWay(): void {
    this.#close('replaced', true)
    this.#wire.close('replaced')
  }

  closed(reason: CloseReason): void {
    this.#close(reason, false)
  }

  #close(reason: CloseReason, recordIsOthers: boolean): void {
    this.#take((nowMs) => {
      const effects = this.session.close(reason, this.#wire.totals(), nowMs, recordIsOthers)
      this.#isClosed = true
      return effects
    })
  }

  /**
   * Feed one input and carry out what it asks. An input that comes while effects are being carried out waits until they
   * are done, so that effects keep their order. A mistake of ours costs this connection and no other.
   */
  #take(input: (nowMs: number) => readonly Effect[]): void {
    if (this.#ended) return
    if (this.#running) {
      this.#inputs.push(input)
      return
    }
    this.#running = true
    try {
      this.#run(input)
      for (let next = this.#inputs.shift(); next && !this.#ended; next = this.#inputs.shift()) this.#run(next)
    } catch (error) {
      this.#break(error)
    } finally {
      this.#running = false
    }
  }

  #break(error: unknown): void {
    const about = { chargePointId: this.session.chargePointId, epoch: this.session.epoch }
    this.#parts.logger.error({ ...about, error }, 'the session failed; its connection is closed')
    this.#inputs.length = 0
    try {
      this.#run((nowMs) => this.session.close('internal_error', this.#wire.totals(), nowMs))
    } catch (second) {
      this.#parts.logger.error({ ...about, error: second }, 'the failed session could not even be closed')
    }
    this.#finish()
    this.#wire.close('internal_error')
  }

  #run(input: (nowMs: number) => readonly Effect[]): void {
    for (const effect of input(this.#parts.clock.now())) this.#carryOut(effect)
    if (this.#isClosed) this.#finish()
  }

  #finish(): void {
    if (this.#ended) return
    this.#ended = true
    this.#cancelWake?.()
    this.#heldForLog = false
    this.#heldForInflight = false
    this.#parts.ended(this)
  }

  #carryOut(effect: Effect): void {
    const { counters, pipeline } = this.#parts
    switch (effect.kind) {
      case 'send':
        counters.sent(effect.frame)
        this.#wire.send(effect.text)
        return
      case 'publish':
        if (effect.ticket === undefined) pipeline.publish(effect.entries)
        else pipeline.publish(effect.entries, this, effect.ticket)
        return
      case 'decide':
        this.#decide(effect)
        return
      case 'identify':
        this.#identify(effect)
        return
      case 'clear':
        this.#clear(effect.commandId, effect.atMs)
        return
      case 'settle':
        this.#parts.settle(effect.commandId, effect.outcome)
        return
      case 'count':
        counters.oddity(effect.what, effect.n)
        return
      case 'wake':
        this.#wakeAt(effect.atMs)
        return
      case 'close':
        this.end(effect.reason)
        return
    }
  }

  #decide({ ticket, request }: Extract<Effect, { kind: 'decide' }>): void {
    const decided = (decision: Decision) => {
      this.#parts.counters.decided(decision.decidedBy)
      this.#take((nowMs) => this.session.decided(ticket, decision, nowMs))
    }
    const decision = this.#parts.authority.decide(request)
    if (decision instanceof Promise)
      decision.then(decided, (error: unknown) => this.#fail('the authority broke its promise never to fail', error))
    else decided(decision)
  }

  #identify({ ticket, startKey }: Extract<Effect, { kind: 'identify' }>): void {
    const identified = (id: number) => this.#take((nowMs) => this.session.identified(ticket, id, nowMs))
    const id = this.#parts.directory.nextTransactionId(this.session.chargePointId, startKey)
    if (typeof id === 'number') identified(id)
    else id.then(identified, (error: unknown) => this.#fail('no transaction id could be had', error))
  }

  #clear(commandId: string, atMs: number): void {
    const cleared = (verdict: WriteVerdict) => this.#take((nowMs) => this.session.cleared(commandId, verdict, nowMs))
    this.#parts.ledger.markWritten(commandId, this.session.epoch, atMs).then(cleared, (error: unknown) => {
      this.#parts.logger.error({ commandId, error }, 'the ledger did not answer; the command is not written')
      cleared('ledger_lost')
    })
  }

  #wakeAt(atMs: number): void {
    this.#cancelWake?.()
    const { clock } = this.#parts
    this.#cancelWake = clock.after(Math.max(0, atMs - clock.now()), () => {
      this.#cancelWake = undefined
      this.#take((nowMs) => this.session.tick(nowMs))
    })
  }

  #holdForLog(): void {
    if (this.#heldForLog) return
    this.#heldForLog = true
    this.#wire.pause('log')
    this.#parts.held(this)
  }

  #watchInflight(): void {
    if (this.#ended) return
    const { unanswered } = this.session
    if (!this.#heldForInflight && unanswered >= this.#parts.callsInFlightMax) {
      this.#heldForInflight = true
      this.#wire.pause('inflight')
    } else if (this.#heldForInflight && unanswered <= this.#parts.callsInFlightMax / 2) {
      this.#heldForInflight = false
      this.#wire.resume('inflight')
    }
  }

  #fail(message: string, error: unknown): void {
    if (this.#ended) return
    this.#parts.logger.error({ chargePointId: this.session.chargePointId, error }, message)
    this.end('internal_error')
  }
}
