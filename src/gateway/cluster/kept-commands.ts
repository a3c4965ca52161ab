import type { Clock } from '../../ports/clock.ts'
import type { ClusterLedger } from '../../ports/cluster-ledger.ts'
import type { Ledger, LedgerClaim } from '../../ports/ledger.ts'
import type { Logger } from '../../ports/logger.ts'
import type { NodeStore } from '../../ports/node-store.ts'
import { type CommandOutcome, type CommandRecord, keyOf } from '../../ports/records.ts'
import { mayBeWritten } from '../outcomes.ts'
import type { LedgerKnowledge } from './ledger-knowledge.ts'
import { type LeftoverWhy, outcomeOfLeftover } from './leftover.ts'

export interface KeptCommandsDeps {
  readonly node: string
  readonly shared: ClusterLedger
  readonly local: Ledger
  readonly store: NodeStore
  readonly knowledge: Pick<LedgerKnowledge, 'isInDoubt'>
  readonly clock: Clock
  readonly logger: Logger
}

/** A command that this node keeps and that has no outcome here yet. Its data are on the disk: there may be many, for days. */
interface Open {
  readonly why: LeftoverWhy
  /** Nobody else has ended it by then: this node does. */
  readonly dueMs: number
  /** Claimed here for the bus, and not confirmed: so it is in no queue of this node. */
  readonly isUnconfirmed?: boolean
  /** Its outcome is on its way: it is not claimed anew. */
  readonly isEnding?: boolean
}

export interface DueCommand {
  readonly commandId: string
  readonly outcome: CommandOutcome
}

/** How long a claim that was not answered may still be carried out. */
const unsureMs = 10_000
/** After its expiry and its answer's deadline, for whoever has it to settle it. */
const graceMs = 5_000
const lookedAtOnce = 100
/** How long the end of a command waits for a node that has not told an emptied ledger what it knows; it may never come back. */
const tellingMs = 30_000

/**
 * What this node has taken on, or has told somebody that it exists, until it has its outcome: why it is kept, when this node has to
 * look at it, and how it ends then.
 */
export class KeptCommands {
  readonly #deps: KeptCommandsDeps
  readonly #open = new Map<string, Open>()

  constructor(deps: KeptCommandsDeps) {
    this.#deps = deps
  }

  find(commandId: string): Open | undefined {
    return this.#open.get(commandId)
  }

  /** True while a session of this node, or this node's own sweep, ends it in its time. */
  looksAfter(commandId: string): boolean {
    const open = this.#open.get(commandId)
    // Whoever got it from here may be the one that is dead.
    return open !== undefined && open.why !== 'handed_over'
  }

  /** From now on this node looks at it when its time is over. */
  track(record: CommandRecord, why: LeftoverWhy, atLeastMs = 0): void {
    const { commandId, expiresAtMs, timeoutMs } = record
    const dueMs = Math.max(expiresAtMs + timeoutMs + graceMs, atLeastMs + graceMs)
    this.#open.set(commandId, { why, dueMs })
  }

  /** Nobody was told that there is such a command; but there may be. Asked for again, its time begins anew. */
  trackUnsure(commandId: string): void {
    this.#open.set(commandId, { why: 'unsure', dueMs: this.#deps.clock.now() + unsureMs })
  }

  setUnconfirmed(commandId: string, isUnconfirmed: boolean): void {
    const open = this.#open.get(commandId)
    if (open) this.#open.set(commandId, { ...open, isUnconfirmed })
  }

  /** With the next sweep, by what is known then. */
  endSoon(commandId: string, why: LeftoverWhy): void {
    this.#open.set(commandId, { why, dueMs: 0 })
  }

  ended(commandId: string): void {
    this.#open.delete(commandId)
  }

  /** On this node's disk, that another node has it. */
  async note(record: CommandRecord): Promise<void> {
    // It may have come back here, and ended, while somebody else's claim was on its way.
    if (this.#deps.store.get('commands', keyOf.command(record.commandId))?.state === 'settled') return
    const { commandId } = record
    const before = this.#open.get(commandId)
    // Before the disk has it: handed over to this node meanwhile, it makes room, see `keep`.
    this.track(record, 'handed_over')
    const noted = this.#open.get(commandId)
    try {
      await this.#put(record)
    } catch (error) {
      if (this.#open.get(commandId) === noted) this.#restore(commandId, before)
      throw error
    }
  }

  /** `note` of what this node knows nothing of. What it knows, or is about to know, is on its disk when this resolves. */
  async noteUnknown(record: CommandRecord): Promise<void> {
    const { local, store } = this.#deps
    if (await local.get(record.commandId)) return
    const coming = store.get('commands', keyOf.command(record.commandId))
    await (coming ? this.#put(coming) : this.note(record))
  }

  /** It was handed over, and came back. */
  async takeBack(record: CommandRecord): Promise<void> {
    await this.#put({ ...record, node: this.#deps.node })
    this.track(record, 'late')
  }

  /** On this node's disk as its own, also what was read from the bus here and claimed by another node before or since. */
  async keep(record: CommandRecord): Promise<LedgerClaim> {
    const { local, store, node } = this.#deps
    const { commandId } = record
    const kept = await local.claim(record)
    const open = this.#open.get(commandId)
    if (kept.kind !== 'exists' || kept.record.state !== 'claimed' || !open) return kept
    // Its own row, and in no queue here.
    if (open.isUnconfirmed || open.why === 'unsure') return { kind: 'claimed', record }
    if (open.why !== 'handed_over' || kept.record.node === node) return kept
    // A note that another node has it makes room for a row of its own.
    await store.commit([{ table: 'commands', key: keyOf.command(commandId), value: null }])
    return await local.claim(record)
  }

  /**
   * Somebody else settled and published it: the own entry ends the same way. The row counts from now on and comes to the disk by
   * itself: a log that is full, or a disk that hangs, must keep no sweep and nobody's return to the registry waiting.
   */
  async close(record: CommandRecord): Promise<void> {
    await this.endAs(record)
    if (record.settlement) this.#stage(record)
  }

  /** As it was settled. False: its outcome is published here already, or is on its way. */
  async endAs({ commandId, settlement, settledAtMs }: CommandRecord): Promise<boolean> {
    this.#open.delete(commandId)
    const { local, clock } = this.#deps
    return settlement !== undefined && !!(await local.settle(commandId, settlement, settledAtMs ?? clock.now()))
  }

  /** To a shared ledger that may have lost it. */
  async tell(record: CommandRecord): Promise<void> {
    const { shared, local, store, node } = this.#deps
    const { commandId, state, settlement, settledAtMs } = record
    if (state === 'settled') {
      if (!settlement || settledAtMs === undefined) return
      const isNew = await shared.settleKept(record, settlement, settledAtMs)
      if (!isNew || record.node !== node) return
      // What this node has settled comes to its disk with its event, and may be on its way; of another's outcome only that node knows.
      if ((await local.get(commandId))?.state === 'settled') await shared.published(commandId)
      return
    }
    const claim = await shared.tell(record)
    // So that this node, too, can tell of its end the next time that the ledger forgets.
    if (claim.kind === 'exists' && claim.record.state === 'settled') {
      // Its own end, of which it was not told, is still on its way.
      if (claim.record.node !== node) await this.close(claim.record)
      return
    }
    // It was ended before the ledger forgot it, and this was told before the answer came.
    const now = store.get('commands', keyOf.command(commandId))
    if (now?.state === 'settled') await this.tell(now)
  }

  /** What an earlier life left open is due at once, and ends with the first sweep that reaches the registry. */
  async recall(): Promise<void> {
    const { local, node } = this.#deps
    for (const record of await local.unsettled()) {
      if (record.node === node) this.endSoon(record.commandId, 'restarted')
      else this.track(record, 'handed_over')
    }
  }

  /** Commands of this node that nobody has ended in their time, with the outcome that they have to get. */
  async due(limit: number): Promise<readonly DueCommand[]> {
    const nowMs = this.#deps.clock.now()
    const late: [string, Open][] = []
    for (const [commandId, open] of this.#open) {
      if (late.length >= limit) break
      if (open.dueMs <= nowMs) late.push([commandId, open])
    }
    const due: DueCommand[] = []
    while (late.length > 0) {
      const looks = late.splice(0, lookedAtOnce).map(async ([commandId, open]) => {
        const outcome = await this.#look(commandId, open, nowMs)
        // Claimed or ended while it was looked at.
        if (!outcome || this.#open.get(commandId) !== open) return
        this.#open.set(commandId, { ...open, isEnding: true })
        due.push({ commandId, outcome })
      })
      await Promise.all(looks)
    }
    return due
  }

  async #look(commandId: string, open: Open, nowMs: number): Promise<CommandOutcome | undefined> {
    const { shared, local, node, knowledge } = this.#deps
    const { why, dueMs } = open
    const kept = await local.get(commandId)
    const known = await shared.get(commandId)
    const own = kept ?? known
    if (this.#open.get(commandId) !== open) return undefined
    if (known?.state === 'settled') {
      // Settled by an earlier life that died before its outcome was on the disk, or without an answer: its event is still to come,
      // and its row with it.
      if (known.node === node && kept?.state !== 'settled') return known.settlement
      // Taken by this node, and so counted as open by whoever ends it here.
      if (why === 'late') return known.settlement
      await this.close(known)
      return undefined
    }
    if (kept?.state === 'settled') {
      this.#open.delete(commandId)
      await this.tell(kept)
      return undefined
    }
    const isOfNobodyHere = why === 'unsure' && (known ? known.node !== node : !kept)
    if (!own || isOfNobodyHere) {
      this.#open.delete(commandId)
      // Kept until the registry went away, and claimed by another node since.
      if (kept && known) {
        this.#stage(known)
        this.track(known, 'handed_over')
      }
      return undefined
    }
    // Who has it may be about to tell an emptied ledger how it ended.
    if (why === 'handed_over' && nowMs < dueMs + tellingMs && (await knowledge.isInDoubt(own))) return undefined
    const outcome = outcomeOfLeftover({ why, own, known, node })
    // Somebody else has it: looked at again when its time is over.
    if (!outcome && this.#open.get(commandId) === open) this.track(own, 'handed_over', nowMs)
    // Claimed here and not written here, but perhaps elsewhere before the ledger forgot.
    return outcome?.outcome === 'not_sent' && (await knowledge.isInDoubt(own)) ? mayBeWritten : outcome
  }

  #stage(record: CommandRecord): void {
    const { commandId } = record
    this.#put(record).catch((error: unknown) =>
      this.#deps.logger.debug({ commandId, error }, "what became of another node's command is not on the disk")
    )
  }

  #restore(commandId: string, open: Open | undefined): void {
    if (open) this.#open.set(commandId, open)
    else this.#open.delete(commandId)
  }

  async #put(record: CommandRecord): Promise<void> {
    await this.#deps.store.commit([{ table: 'commands', key: keyOf.command(record.commandId), value: record }])
  }
}
