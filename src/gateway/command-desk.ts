import { toCall } from '../commands/to-call.ts'
import { GatewayError } from '../lib/gateway-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { Directory } from '../ports/directory.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { Logger } from '../ports/logger.ts'
import { type CommandOutcome, type CommandRecord, keyOf } from '../ports/records.ts'
import { unsentDetails } from '../session/settlement.ts'
import { CommandLanes } from './command-lanes.ts'
import { type CommandRecordRules, commandRecordOf } from './command-record.ts'
import type { LiveConversation } from './conversation.ts'
import type { GatewayCounters } from './counters.ts'
import { watchOutcome } from './outcome-watch.ts'
import { lostAfterWrite, lostBeforeWrite, mayBeWritten, offline, shuttingDown, unknownChargePoint } from './outcomes.ts'
import type { OwnEvents } from './own-events.ts'
import type { DurableWaiter, EventPipeline } from './pipeline.ts'
import type { Cancelled, CommandDeskView, CommandRequest, Submitted } from './views.ts'

/** `here`: the session is on this node; `handed_over`: another node has it now and settles it; `offline`: nobody has it. */
export type Routed = 'here' | 'handed_over' | 'offline'

/** Finds the node of a charge point that is not connected here. */
export interface CommandRoute {
  /** The next command of a charge point is delivered when this one has settled: so they keep their order. */
  deliver(record: CommandRecord): Promise<Routed>
  /** Ask the node that has the command to cancel it. False: nobody has it. */
  cancel(record: CommandRecord): Promise<boolean>
}

/** What became of a command of the bus. */
export type Taken =
  /** It goes on once its offset is committed. */
  | { readonly kind: 'claimed'; readonly record: CommandRecord }
  /** It is known already, and has its outcome or will have it. */
  | { readonly kind: 'known' }
  /** It is no command: when it has an id of its own, its outcome says so too. */
  | { readonly kind: 'refused'; readonly detail: string }

export interface CommandDeskDeps extends CommandRecordRules {
  readonly clock: Clock
  readonly ledger: Ledger
  readonly directory: Pick<Directory, 'chargePoint'>
  readonly pipeline: EventPipeline
  readonly events: OwnEvents
  readonly counters: GatewayCounters
  readonly logger: Logger
  readonly find: (chargePointId: string) => LiveConversation | undefined
  /** The way to other nodes; absent: there are none. */
  readonly route?: CommandRoute
  /** `limits.commands_open_max`: with so many commands that are not settled, whoever submits one is refused. */
  readonly commandsOpenMax: number
  /** `session.queue_calls_max`: commands that may wait for one charge point that is not here, as for one that is. */
  readonly queueCallsMax: number
  /** The log takes nothing more for now: a command could not be kept. */
  readonly logIsStalled: () => boolean
}

const idIsTaken = 'id: another command has it already; what becomes of that one is its only outcome'

/** How long a cancel waits for its outcome to be on disk. */
const cancelWaitMs = 1_000

/** Takes commands, hands them to the session that owns the charge point, and settles each exactly once. */
export class CommandDesk implements CommandDeskView, DurableWaiter {
  readonly #deps: CommandDeskDeps
  readonly #lanes: CommandLanes
  /** Who waits for an outcome, by command id. */
  readonly #waiting = new Map<string, Set<(record: CommandRecord) => void>>()
  /** Settled commands whose outcome is on its way to the disk, by pipeline ticket, and their ids. */
  readonly #landing = new Map<number, CommandRecord>()
  readonly #landingIds = new Map<string, CommandRecord>()
  #onPublished: ((commandId: string) => void) | undefined
  /** By id: an end that nobody here was waiting for, or one that comes twice, takes nothing away. */
  readonly #open = new Set<string>()
  #tickets = 0
  #submitting = 0
  #settling = 0
  #stopping = false

  constructor(deps: CommandDeskDeps) {
    this.#deps = deps
    const { clock, logger } = deps
    this.#lanes = new CommandLanes({ clock, logger, send: (record) => this.#send(record) })
  }

  /** Commands accepted and not settled. */
  get openCommands(): number {
    return this.#open.size
  }

  /** True when no command is between its request and a session, and no settlement between the ledger and the pipeline. */
  get idle(): boolean {
    return this.#submitting === 0 && this.#settling === 0
  }

  /** Calls back when the outcome of a command is on disk. */
  onPublished(listener: (commandId: string) => void): void {
    this.#onPublished = listener
  }

  /** From now on every new command ends as `not_sent/shutting_down`. */
  stop(): void {
    this.#stopping = true
  }

  async submit(request: CommandRequest): Promise<Submitted> {
    const { clock, commandAgeMaxMs } = this.#deps
    const asked = commandRecordOf(request, clock.now(), this.#deps)
    // Who names the id may have asked before, and got no answer.
    const made =
      request.id === undefined || typeof asked === 'string'
        ? asked
        : { ...asked, givenSinceMs: asked.requestedAtMs - commandAgeMaxMs }
    if (typeof made === 'string') return { kind: 'invalid', detail: made }
    const busy = this.#busyWith()
    if (busy) return { kind: 'unavailable', detail: busy }
    this.#submitting++
    try {
      const claim = await this.#deps.ledger.claim(made)
      if (claim.kind === 'claimed') {
        this.#open.add(claim.record.commandId)
        // Claimed: whatever happens from here on, there is a command, and it has its outcome.
        await this.#dispatch(claim.record).catch((error: unknown) => this.#notHandedOver(claim.record, error))
      }
      if (claim.kind === 'in_doubt') await this.#endInDoubt(claim.record)
      // As it is on disk: an outcome that is not there yet may still turn out otherwise.
      const record = (await this.#deps.ledger.get(made.commandId)) ?? claim.record
      if (claim.kind === 'conflict') return { kind: 'conflict', record }
      return { kind: 'accepted', record, created: claim.kind === 'claimed' || claim.kind === 'in_doubt' }
    } catch (error) {
      if (!(error instanceof GatewayError && error.canRetry)) throw error
      const kind = error.code === 'registry_unavailable' ? error.code : 'unavailable'
      return { kind, detail: error.message }
    } finally {
      this.#submitting--
    }
  }

  /**
   * Claim a command of the bus and keep it, but do not send it yet: its offset has to be committed first. Rejects when the
   * ledger is away: the bus brings it again.
   */
  async accept(request: CommandRequest & { readonly id: string }, timestampMs: number): Promise<Taken> {
    const made = commandRecordOf(request, timestampMs, this.#deps)
    if (typeof made === 'string') {
      await this.refuse(request, made, timestampMs)
      return { kind: 'refused', detail: made }
    }
    const claim = await this.#deps.ledger.claim(made)
    // The outcome of this id is that of the other one: only the dead letter can tell of this one.
    if (claim.kind === 'conflict') return { kind: 'refused', detail: idIsTaken }
    if (claim.kind === 'in_doubt') await this.#endInDoubt(claim.record)
    if (claim.kind !== 'claimed') return { kind: 'known' }
    this.#open.add(claim.record.commandId)
    return claim
  }

  /** A record of the bus that is no command, but has an id: `not_sent/invalid`. By default it was asked for now. */
  async refuse(
    request: { readonly id: string; readonly chargePointId: string; readonly type: string },
    detail: string,
    timestampMs = this.#deps.clock.now()
  ): Promise<void> {
    const { id, chargePointId, type } = request
    const made = commandRecordOf(
      { id, chargePointId, type: 'ocpp.call', data: { refused: type }, requestedBy: 'kafka' },
      timestampMs,
      this.#deps
    )
    // An id that cannot be one cannot have an outcome either; the dead letter tells of it.
    if (typeof made === 'string') return
    const claim = await this.#deps.ledger.claim({ ...made, type })
    if (claim.kind !== 'claimed' && claim.kind !== 'in_doubt') return
    await this.settle(id, { outcome: 'not_sent', reason: 'invalid', detail })
  }

  /** Send a command that was accepted, once `mayGo` says so; false: another node has taken it over. */
  dispatch(record: CommandRecord, mayGo?: Promise<boolean>): void {
    this.#submitting++
    const sent = mayGo
      ? mayGo.then((goes) => (goes ? this.#dispatch(record) : this.#letGo(record)))
      : this.#dispatch(record)
    sent.catch((error: unknown) => this.#notHandedOver(record, error)).finally(() => this.#submitting--)
  }

  /** Publish an outcome that another node has settled and could not publish. */
  publishSettled(record: CommandRecord): void {
    if (!this.#landingIds.has(record.commandId)) this.#publish(record)
  }

  async cancel(commandId: string): Promise<Cancelled> {
    const record = await this.#deps.ledger.get(commandId)
    if (!record) return { kind: 'unknown' }
    if (record.state !== 'claimed') return { kind: 'too_late', record }
    const conversation = this.#deps.find(record.chargePointId)
    if (conversation) conversation.cancel(commandId)
    // Without a session, here or elsewhere, nobody can be writing it, and nobody else would end it.
    else if (!(await this.#deps.route?.cancel(record))) {
      // Its charge point may have come here meanwhile, and the command to it.
      const here = this.#deps.find(record.chargePointId)
      if (here) here.cancel(commandId)
      else this.settle(commandId, { outcome: 'not_sent', reason: 'cancelled' })
    }
    const stands = (await this.settled(commandId, cancelWaitMs)) ?? record
    // Won, although the disk does not keep up: it will not be sent, whatever happens now.
    const after = this.#landingIds.get(commandId) ?? stands
    return after.settlement?.reason === 'cancelled'
      ? { kind: 'cancelled', record: after }
      : { kind: 'too_late', record: after }
  }

  get(commandId: string): Promise<CommandRecord | undefined> {
    return this.#deps.ledger.get(commandId)
  }

  recent(chargePointId: string, limit: number): Promise<readonly CommandRecord[]> {
    return this.#deps.ledger.recent(chargePointId, limit)
  }

  async settled(commandId: string, waitMs: number): Promise<CommandRecord | undefined> {
    const { promise, resolve } = Promise.withResolvers<CommandRecord | undefined>()
    const waiters = this.#waiting.get(commandId) ?? new Set()
    this.#waiting.set(commandId, waiters.add(resolve))
    const cancelTimer = this.#deps.clock.after(waitMs, () => resolve(undefined))
    let endWatch: (() => void) | undefined
    try {
      const record = await this.#deps.ledger.get(commandId)
      if (!record || (record.state === 'settled' && !this.#landingIds.has(commandId))) return record
      if (this.#deps.route) endWatch = this.#watch(commandId, resolve)
      return (await promise) ?? (await this.#deps.ledger.get(commandId))
    } finally {
      cancelTimer()
      endWatch?.()
      waiters.delete(resolve)
      if (waiters.size === 0) this.#waiting.delete(commandId)
    }
  }

  #watch(commandId: string, resolve: (record: CommandRecord) => void): () => void {
    const { clock, ledger } = this.#deps
    // What is settled here is told when it is on disk.
    const found = (record: CommandRecord) => !this.#landingIds.has(commandId) && resolve(record)
    return watchOutcome({ clock, get: () => ledger.get(commandId), found })
  }

  /** End a command: win it in the ledger, then publish its one outcome. Losing means that somebody else has. */
  async settle(commandId: string, outcome: CommandOutcome): Promise<void> {
    const { ledger, clock, logger } = this.#deps
    this.#settling++
    await ledger
      .settle(commandId, outcome, clock.now())
      .then((record) => (record ? this.#publish(record) : this.#open.delete(commandId)))
      .catch((error: unknown) =>
        logger[levelOf(error)](
          { commandId, outcome: outcome.outcome, error },
          'a command could not be settled; the next start of this node does it, or another node'
        )
      )
      .finally(() => this.#settling--)
  }

  /** What an earlier life of this node left open: claimed was never written, written may have been. Published when it resolves. */
  async recover(): Promise<number> {
    const left = await this.#deps.ledger.unsettled()
    for (const { commandId, state } of left) {
      await this.settle(commandId, state === 'written' ? lostAfterWrite : lostBeforeWrite)
    }
    return left.length
  }

  durable(ticket: number): void {
    const record = this.#landing.get(ticket)
    this.#landing.delete(ticket)
    if (!record) return
    this.#landingIds.delete(record.commandId)
    this.#onPublished?.(record.commandId)
    for (const resolve of this.#waiting.get(record.commandId) ?? []) resolve(record)
  }

  async #endInDoubt({ commandId }: CommandRecord): Promise<void> {
    await this.settle(commandId, mayBeWritten)
  }

  #publish(record: CommandRecord): void {
    const { pipeline, events, counters } = this.#deps
    this.#open.delete(record.commandId)
    this.#lanes.end(record)
    const ticket = ++this.#tickets
    const changes = [{ table: 'commands', key: keyOf.command(record.commandId), value: record } as const]
    // Before anything says that it is on its way: what cannot be published is tried again, by a sweep or the next start.
    pipeline.publish([{ event: events.commandOutcome(record), changes }], this, ticket)
    this.#landing.set(ticket, record)
    this.#landingIds.set(record.commandId, record)
    counters.settled(record.settlement?.outcome ?? 'unknown', record.settlement?.reason ?? '')
  }

  async #dispatch(record: CommandRecord): Promise<void> {
    const { chargePointId, commandId } = record
    const conversation = this.#lanes.has(chargePointId) ? undefined : this.#deps.find(chargePointId)
    const waiting = this.#lanes.waiting(chargePointId)
    if (conversation && !this.#stopping) await this.#give(record, conversation)
    else if (waiting >= this.#deps.queueCallsMax) {
      const detail = unsentDetails.queue_full(waiting)
      await this.settle(commandId, { outcome: 'not_sent', reason: 'queue_full', detail })
    } else await this.#lanes.go(record)
  }

  async #send(record: CommandRecord): Promise<void> {
    const { commandId, chargePointId } = record
    const { logger } = this.#deps
    if (this.#stopping) return this.settle(commandId, shuttingDown)
    const conversation = this.#deps.find(chargePointId) ?? (await this.#elsewhere(record))
    if (conversation === 'handed_over') {
      this.#open.delete(commandId)
      return
    }
    if (conversation) return this.#give(record, conversation)
    const known = await this.#deps.directory.chargePoint(chargePointId).catch((error: unknown) => {
      logger[levelOf(error)]({ chargePointId, error }, 'the directory did not answer; the charge point counts as known')
      return true
    })
    return this.settle(commandId, known ? offline : unknownChargePoint)
  }

  /** A command that another node has claimed for a session that is here. */
  take(record: CommandRecord, conversation: LiveConversation): void {
    this.#open.add(record.commandId)
    void this.#give(record, conversation)
  }

  #letGo({ commandId }: CommandRecord): void {
    this.#open.delete(commandId)
  }

  #notHandedOver({ commandId }: CommandRecord, error: unknown): void {
    this.#deps.logger.warn({ commandId, error }, 'a command could not be handed over; its deadline settles it')
  }

  async #elsewhere(record: CommandRecord): Promise<LiveConversation | 'handed_over' | undefined> {
    const routed = (await this.#deps.route?.deliver(record)) ?? 'offline'
    if (routed === 'handed_over') return routed
    return this.#deps.find(record.chargePointId)
  }

  async #give(record: CommandRecord, conversation: LiveConversation): Promise<void> {
    const { commandId, priority, timeoutMs, expiresAtMs } = record
    const call = toCall(conversation.session.version, record.type, record.data)
    if (!call.ok) return this.settle(commandId, { outcome: 'not_sent', reason: call.reason, detail: call.detail })
    conversation.enqueue({ commandId, action: call.action, payload: call.payload, priority, timeoutMs, expiresAtMs })
  }

  /** Why no command can be taken now; undefined when one can. */
  #busyWith(): string | undefined {
    const { pipeline, logIsStalled, commandsOpenMax } = this.#deps
    if (pipeline.full || logIsStalled())
      return 'the event log does not take anything now, see /health/ready; send the command again later'
    if (this.#open.size + this.#submitting >= commandsOpenMax)
      return `limits.commands_open_max (${commandsOpenMax}) is reached; send the command again later`
    return undefined
  }
}

/** What is away has been told of as away, and comes back; anything else is a mistake. */
function levelOf(error: unknown): 'debug' | 'error' {
  return error instanceof GatewayError && error.canRetry ? 'debug' : 'error'
}
