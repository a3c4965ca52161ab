import type { Directory } from '../ports/directory.ts'
import type { ChargePointRecord } from '../ports/records.ts'
import type { Claim, SessionRegistry } from '../ports/session-registry.ts'
import type { ChargePointSession, SessionStart } from '../session/effect.ts'
import { type ConversationParts, LiveConversation } from './conversation.ts'
import type { RefusalLog } from './refusal-log.ts'
import type { Refusal } from './refusals.ts'
import { newerOf, type Remembered } from './remembered.ts'
import type { TakeoverWatch } from './takeover-watch.ts'
import type { ChargePointsView, ChargePointView } from './views.ts'
import type { Admitted, Conversation, Gatekeeper, Handshake, Wire } from './wire.ts'

export interface HubDeps {
  readonly node: string
  readonly registry: SessionRegistry
  readonly directory: Directory
  readonly parts: Omit<ConversationParts, 'ended' | 'held'>
  readonly refusals: RefusalLog
  readonly takeovers: TakeoverWatch
  readonly makeSession: (start: SessionStart) => ChargePointSession
  /** Somebody who may not connect any more is not registered any more either. [D6] */
  readonly forgetRegistration: (chargePointId: string) => Promise<void>
}

/** A conversation that came too late: a newer one already lives. It hears nothing and does nothing. */
const nobody: Conversation = { frame() {}, closed() {} }

/** The live conversations of this node by charge point id, fenced by epoch: the newest wins, an old one never hurts it. */
export class Hub implements Gatekeeper, ChargePointsView {
  readonly #deps: HubDeps
  readonly #parts: ConversationParts
  readonly #live = new Map<string, LiveConversation>()
  /** Not read because the log does not keep up; who has waited longest is first. */
  readonly #held = new Set<LiveConversation>()
  #stopping = false
  #isResuming = false

  constructor(deps: HubDeps) {
    this.#deps = deps
    this.#parts = {
      ...deps.parts,
      held: (conversation) => this.#held.add(conversation),
      ended: (conversation) => this.#forget(conversation)
    }
  }

  get size(): number {
    return this.#live.size
  }

  find(chargePointId: string): LiveConversation | undefined {
    return this.#live.get(chargePointId)
  }

  conversations(): readonly LiveConversation[] {
    return [...this.#live.values()]
  }

  /** From now on nobody is admitted. */
  refuseNew(): void {
    this.#stopping = true
  }

  /**
   * Go on reading the sockets that waited for the log, longest first, no more at a time than there is room: each has at least
   * one frame ready, and it comes only after this call.
   */
  resumeReading(): void {
    const { pipeline } = this.#parts
    let { room } = pipeline
    for (const conversation of this.#held) {
      if (room-- <= 0) break
      this.#held.delete(conversation)
      conversation.releaseFromLog()
    }
    if (this.#held.size === 0 || this.#isResuming) return
    this.#isResuming = true
    setImmediate(() => {
      this.#isResuming = false
      // Full again: the next relief goes on.
      if (!pipeline.full) this.resumeReading()
    })
  }

  /** Close every live connection whose charge point lost its permission. */
  revoke(isRevoked: (chargePointId: string) => boolean): void {
    for (const conversation of this.conversations()) {
      if (isRevoked(conversation.session.chargePointId)) conversation.end('revoked')
    }
  }

  async admit(handshake: Handshake): Promise<Admitted> {
    if (this.#stopping) return { ok: false, refusal: { code: 'shutting_down' } }
    // A new connection is two more events at least: they wait outside when the log does not keep up.
    if (this.#parts.pipeline.full) {
      return { ok: false, refusal: { code: 'not_available', detail: 'the event log does not keep up' } }
    }
    const { chargePointId } = handshake
    try {
      await this.#deps.takeovers.damp(chargePointId)
      const admission = await this.#parts.authority.admit(chargePointId)
      if (!admission.allowed) {
        await this.#deps.forgetRegistration(chargePointId)
        return { ok: false, refusal: { code: 'unknown_charge_point', detail: admission.detail } }
      }
      return await this.#admitted(handshake, await this.#deps.registry.claim(chargePointId))
    } catch (error) {
      this.#parts.logger.error({ chargePointId, error }, 'a connection could not be admitted')
      return { ok: false, refusal: { code: 'not_available' } }
    }
  }

  async #admitted(handshake: Handshake, claim: Claim): Promise<Admitted> {
    const { chargePointId } = handshake
    try {
      const loaded = await this.#deps.directory.load(chargePointId)
      return {
        ok: true,
        open: (wire) => this.#open(handshake, claim, loaded, wire),
        abandon: () => this.#giveUp(chargePointId, claim.epoch)
      }
    } catch (error) {
      this.#giveUp(chargePointId, claim.epoch)
      throw error
    }
  }

  refused(refusal: Refusal, about: Parameters<Gatekeeper['refused']>[1]): void {
    this.#parts.counters.refused(refusal.code)
    this.#deps.refusals.add(refusal, about)
  }

  async get(chargePointId: string): Promise<ChargePointView | undefined> {
    const record =
      this.#live.get(chargePointId)?.session.record ?? (await this.#deps.directory.chargePoint(chargePointId))
    return record && this.#view(record)
  }

  async list(options: Parameters<ChargePointsView['list']>[0]): Promise<readonly ChargePointView[]> {
    const { connected, after, limit } = options
    if (connected === true) {
      return [...this.#live.keys()]
        .filter((id) => after === undefined || id > after)
        .sort()
        .slice(0, limit)
        .flatMap((id) => this.#live.get(id) ?? [])
        .map(({ session }) => this.#view(session.record))
    }
    const views: ChargePointView[] = []
    let cursor = after
    while (views.length < limit) {
      const known = await this.#deps.directory.chargePoints(cursor, limit)
      const last = known.length < limit ? undefined : known.at(-1)?.chargePointId
      const records = connected === false ? known : this.#withUnwritten(known, cursor)
      views.push(...records.map((record) => this.#view(record)).filter((view) => connected !== false || !view.live))
      if (last === undefined) break
      cursor = last
    }
    return views.slice(0, limit)
  }

  async disconnect(chargePointId: string): Promise<boolean> {
    const conversation = this.#live.get(chargePointId)
    conversation?.end('disconnected_by_operator')
    return conversation !== undefined
  }

  /** With those after `after` who live already and whose first event is not on disk yet. */
  #withUnwritten(known: readonly ChargePointRecord[], after: string | undefined): readonly ChargePointRecord[] {
    const ids = new Set(known.map(({ chargePointId }) => chargePointId))
    const unwritten = [...this.#live.entries()]
      .filter(([id]) => !ids.has(id) && (after === undefined || id > after))
      .map(([, { session }]) => session.record)
    if (unwritten.length === 0) return known
    return [...known, ...unwritten].sort((a, b) => (a.chargePointId < b.chargePointId ? -1 : 1))
  }

  #view(record: ChargePointRecord): ChargePointView {
    const live = this.#live.get(record.chargePointId)
    if (!live) return { record }
    const { session, remoteAddress, connectedAtMs } = live
    return {
      record: session.record,
      live: {
        node: this.#deps.node,
        epoch: session.epoch,
        connectedAtMs,
        lastSeenAtMs: session.lastSeenAtMs,
        remoteAddress,
        queuedCalls: session.queuedCalls
      }
    }
  }

  #open(handshake: Handshake, claim: Claim, loaded: Remembered, wire: Wire): Conversation {
    const { chargePointId, version, subprotocol, remoteAddress } = handshake
    const current = this.#live.get(chargePointId)
    if (this.#stopping || (current && current.session.epoch > claim.epoch)) {
      wire.close(this.#stopping ? 'shutting_down' : 'replaced')
      this.#giveUp(chargePointId, claim.epoch)
      return nobody
    }
    if (current) {
      this.#deps.takeovers.saw(current, remoteAddress)
      current.giveWay()
    }
    const start = {
      chargePointId,
      version,
      subprotocol,
      remoteAddress,
      epoch: claim.epoch,
      ...this.#newest(chargePointId, loaded)
    }
    const conversation = new LiveConversation(this.#parts, this.#deps.makeSession(start), wire, remoteAddress)
    this.#live.set(chargePointId, conversation)
    conversation.open()
    return conversation
  }

  /** Between the load and now an older connection of the same charge point may have changed what is remembered. */
  #newest(chargePointId: string, loaded: Remembered): Remembered {
    this.#parts.pipeline.flush()
    return newerOf(this.#deps.directory.recall(chargePointId), loaded)
  }

  #forget(conversation: LiveConversation): void {
    const { chargePointId, epoch } = conversation.session
    this.#held.delete(conversation)
    if (this.#live.get(chargePointId) === conversation) this.#live.delete(chargePointId)
    this.#release(chargePointId, epoch).catch((error: unknown) => this.#notReleased(chargePointId, epoch, error))
  }

  /**
   * A handshake that took ownership and never became a connection: the one that lives gets it back. A shared registry has told
   * others of the newer epoch and gives back none; then the living one ends and its charge point comes again, or nothing would
   * reach it any more. (Promise 4)
   */
  async #giveUp(chargePointId: string, epoch: number): Promise<void> {
    try {
      // Somebody newer has it already, and answers for it.
      if (!(await this.#release(chargePointId, epoch))) return
      const living = this.#live.get(chargePointId)
      if (!living || (await this.#deps.registry.adopt(chargePointId, living.session.epoch))) return
      const owner = await this.#deps.registry.locate(chargePointId)
      // A handshake of this node has taken it since, and answers for it.
      if (owner?.node !== this.#deps.node) living.end(owner ? 'replaced' : 'replacement_failed')
    } catch (error) {
      this.#notReleased(chargePointId, epoch, error)
    }
  }

  /** Fenced by the epoch: nothing happens when a newer connection has claimed since (A3). */
  #release(chargePointId: string, epoch: number): Promise<boolean> {
    return this.#deps.registry.release(chargePointId, epoch)
  }

  #notReleased(chargePointId: string, epoch: number, error: unknown): void {
    this.#parts.logger.warn(
      { chargePointId, epoch, error },
      'ownership could not be given back; it ends with the lease'
    )
  }
}
