import type { Directory } from '../ports/directory.ts'
import type { ChargePointRecord, TransactionRecord } from '../ports/records.ts'
import type { Claim, SessionRegistry } from '../ports/session-registry.ts'
import type { ChargePointSession, SessionStart } from '../session/effect.ts'
import { type ConversationParts, LiveConversation } from './conversation.ts'
import type { RefusalLog } from './refusal-log.ts'
import type { Refusal } from './refusals.ts'
import type { TakeoverWatch } from './takeover-watch.ts'
import type { ChargePointsView, ChargePointView } from './views.ts'
import type { Admitted, Conversation, Gatekeeper, Handshake, Wire } from './wire.ts'

export interface HubDeps {
  readonly node: string
  readonly registry: SessionRegistry
  readonly directory: Directory
  readonly parts: Omit<ConversationParts, 'ended'>
  readonly refusals: RefusalLog
  readonly takeovers: TakeoverWatch
  readonly makeSession: (start: SessionStart) => ChargePointSession
}

type Remembered = {
  readonly record: ChargePointRecord | undefined
  readonly transactions: readonly TransactionRecord[]
}

/** A conversation that came too late: a newer one already lives. It hears nothing and does nothing. */
const nobody: Conversation = { frame() {}, closed() {} }

/** The live conversations of this node by charge point id, fenced by epoch: the newest wins, an old one never hurts it. */
export class Hub implements Gatekeeper, ChargePointsView {
  readonly #deps: HubDeps
  readonly #parts: ConversationParts
  readonly #live = new Map<string, LiveConversation>()
  #stopping = false

  constructor(deps: HubDeps) {
    this.#deps = deps
    this.#parts = { ...deps.parts, ended: (conversation) => this.#forget(conversation) }
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

  /** Go on reading every socket that waited for the log. */
  resumeReading(): void {
    for (const conversation of this.#live.values()) {
      if (conversation.heldForLog) conversation.releaseFromLog()
      // The sockets that were let go first may have filled the log again: the rest stays held.
      if (this.#parts.pipeline.full) return
    }
  }

  /** Close every live connection whose charge point lost its permission. */
  revoke(isRevoked: (chargePointId: string) => boolean): void {
    for (const conversation of this.conversations()) {
      if (isRevoked(conversation.session.chargePointId)) conversation.end('revoked')
    }
  }

  async admit(handshake: Handshake): Promise<Admitted> {
    if (this.#stopping) return { ok: false, refusal: { code: 'shutting_down' } }
    const { chargePointId } = handshake
    try {
      const admission = await this.#parts.authority.admit(chargePointId)
      if (!admission.allowed) {
        return { ok: false, refusal: { code: 'unknown_charge_point', detail: admission.detail } }
      }
      await this.#deps.takeovers.damp(chargePointId)
      const claim = await this.#deps.registry.claim(chargePointId)
      const loaded = await this.#deps.directory.load(chargePointId)
      return {
        ok: true,
        open: (wire) => this.#open(handshake, claim, loaded, wire),
        abandon: () => this.#release(chargePointId, claim.epoch)
      }
    } catch (error) {
      this.#parts.logger.error({ chargePointId, error }, 'a connection could not be admitted')
      return { ok: false, refusal: { code: 'not_available' } }
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
      const records = await this.#deps.directory.chargePoints(cursor, limit)
      views.push(...records.map((record) => this.#view(record)).filter((view) => connected !== false || !view.live))
      cursor = records.at(-1)?.chargePointId
      if (records.length < limit || cursor === undefined) break
    }
    return views.slice(0, limit)
  }

  async disconnect(chargePointId: string): Promise<boolean> {
    const conversation = this.#live.get(chargePointId)
    conversation?.end('disconnected_by_operator')
    return conversation !== undefined
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
      return nobody
    }
    if (current) {
      this.#deps.takeovers.saw(current, remoteAddress)
      current.end('replaced')
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
    const here = this.#deps.directory.recall(chargePointId)
    return (here.record?.epoch ?? 0) >= (loaded.record?.epoch ?? 0) ? here : loaded
  }

  #forget(conversation: LiveConversation): void {
    const { chargePointId, epoch } = conversation.session
    if (this.#live.get(chargePointId) === conversation) this.#live.delete(chargePointId)
    this.#release(chargePointId, epoch)
  }

  /** Fenced by the epoch: nothing happens when a newer connection has claimed since (A3). */
  #release(chargePointId: string, epoch: number): void {
    this.#deps.registry.release(chargePointId, epoch).catch((error: unknown) => {
      this.#parts.logger.warn(
        { chargePointId, epoch, error },
        'ownership could not be given back; it ends with the lease'
      )
    })
  }
}
