import { wait } from '../../lib/wait.ts'
import type { Ledger, LedgerClaim, WriteVerdict } from '../../ports/ledger.ts'
import type { NodeStore } from '../../ports/node-store.ts'
import type { CommandOutcome, CommandRecord } from '../../ports/records.ts'
import { everyRow } from '../every-row.ts'
import { mayBeWritten } from '../outcomes.ts'
import { KeptClaims, type KeptClaimsDeps } from './kept-claims.ts'
import { type DueCommand, KeptCommands } from './kept-commands.ts'
import { isUnavailable } from './unavailable.ts'

export interface KeptLedgerDeps extends Omit<KeptClaimsDeps, 'kept'> {
  readonly store: NodeStore
  /** The registry does not know the session that wanted to write. */
  readonly onNotOwner: (chargePointId: string, epoch: number) => void
}

const retryMs = 500
const restoredAtOnce = 200

/**
 * The shared ledger, with what this node took on kept on its own disk as well. The shared one decides every race; the own one
 * makes sure that a command which this node knows is not written again when the shared one has forgotten it, and that it
 * gets its outcome. [design 4]
 */
export class KeptLedger implements Ledger {
  readonly #deps: KeptLedgerDeps
  readonly #kept: KeptCommands
  readonly #claims: KeptClaims
  #stopped = false

  constructor(deps: KeptLedgerDeps) {
    this.#deps = deps
    this.#kept = new KeptCommands(deps)
    this.#claims = new KeptClaims({ ...deps, kept: this.#kept })
  }

  /** Settlements that wait for the registry give up; the deadline index, or the next start, ends those commands. */
  stop(): void {
    this.#stopped = true
    this.#claims.stop()
  }

  claim(record: CommandRecord): Promise<LedgerClaim> {
    return this.#claims.claim(record)
  }

  /** See `KeptClaims`. */
  handOver(record: CommandRecord, node: string, incarnation: string): Promise<boolean> {
    return this.#claims.handOver(record, node, incarnation)
  }

  /** See `KeptClaims`. */
  takeBack(record: CommandRecord): Promise<boolean> {
    return this.#claims.takeBack(record)
  }

  /** See `KeptClaims`. */
  confirm(record: CommandRecord): Promise<boolean> {
    return this.#claims.confirm(record)
  }

  /** See `KeptClaims`. */
  take(record: CommandRecord): Promise<boolean> {
    return this.#claims.take(record)
  }

  /** True while a session of this node, or this node's own sweep, ends it in its time. */
  looksAfter(commandId: string): boolean {
    return this.#kept.looksAfter(commandId)
  }

  async markWritten(commandId: string, epoch: number, writtenAtMs: number): Promise<WriteVerdict> {
    const { shared, local } = this.#deps
    const own = await local.get(commandId)
    if (!own) return 'ledger_lost'
    // While this node was taken for dead somebody may have ended it, or written it, and has not told that to an emptied ledger.
    if (await this.#isInDoubt(own)) return 'ledger_lost'
    const verdict = await shared.write(own, epoch, writtenAtMs)
    if (verdict === 'not_owner') this.#deps.onNotOwner(own.chargePointId, epoch)
    if (verdict !== 'written') return verdict
    // From its mark on its session here ends it.
    if (this.#kept.find(commandId)?.why === 'handed_over') this.#kept.track(own, 'late')
    return await local.markWritten(commandId, epoch, writtenAtMs)
  }

  async settle(commandId: string, outcome: CommandOutcome, settledAtMs: number): Promise<CommandRecord | undefined> {
    const { local, node } = this.#deps
    // Before the first attempt: a session of this node may write what a sweep ends for another one in vain.
    const isOwn = (await local.get(commandId))?.node === node
    for (;;) {
      try {
        return await this.#settle(commandId, outcome, settledAtMs, isOwn)
      } catch (error) {
        if (!isUnavailable(error) || this.#stopped) throw error
        this.#deps.logger.debug({ commandId, error }, 'the registry is away; the command is settled when it is back')
        await wait(this.#deps.clock, retryMs)
      }
    }
  }

  async get(commandId: string): Promise<CommandRecord | undefined> {
    try {
      return (await this.#deps.shared.get(commandId)) ?? (await this.#deps.local.get(commandId))
    } catch (error) {
      if (!isUnavailable(error)) throw error
      return await this.#deps.local.get(commandId)
    }
  }

  async recent(chargePointId: string, limit: number): Promise<readonly CommandRecord[]> {
    try {
      return await this.#deps.shared.recent(chargePointId, limit)
    } catch (error) {
      if (!isUnavailable(error)) throw error
      return await this.#deps.local.recent(chargePointId, limit)
    }
  }

  /**
   * None to wait for: a start must not wait for a registry that is away.
   */
  async unsettled(): Promise<readonly CommandRecord[]> {
    await this.#kept.recall()
    return []
  }

  /** See `KeptCommands`. */
  due(limit: number): Promise<readonly DueCommand[]> {
    return this.#kept.due(limit)
  }

  /**
   * The shared ledger was emptied: what this node remembers goes there anew, so that nobody takes a command for new that was
   * written already; whoever gave it may give it again as long as it is remembered.
   */
  async restore(): Promise<void> {
    const { store, clock } = this.#deps
    const nowMs = clock.now()
    let batch: CommandRecord[] = []
    const flush = async () => {
      const records = batch
      batch = []
      await Promise.all(records.map((record) => this.#kept.tell(record)))
    }
    for (const record of everyRow(store, 'commands', ({ commandId }) => commandId)) {
      if (record.forgetAtMs <= nowMs) continue
      if (batch.push(record) >= restoredAtOnce) await flush()
    }
    await flush()
  }

  async #settle(
    commandId: string,
    outcome: CommandOutcome,
    settledAtMs: number,
    isOwn: boolean
  ): Promise<CommandRecord | undefined> {
    const { shared, local, node, knowledge } = this.#deps
    const own = await local.get(commandId)
    const isOpen = own !== undefined && own.state !== 'settled'
    // It has ended here, though an emptied ledger may have been told by another node that it has not.
    if (own?.state === 'settled' && own.settledAtMs !== settledAtMs) {
      await this.#kept.tell(own)
      return undefined
    }
    // That it was not written here does not say that it was not written.
    const said = own && outcome.reason === 'ledger_lost' && (await this.#isInDoubt(own)) ? mayBeWritten : outcome
    const untilTold = async () => {
      const entry = own ?? (await shared.get(commandId))
      if (entry) await knowledge.isInDoubt(entry)
    }
    const settled =
      (await shared.settle(commandId, said, settledAtMs, { isOwn, untilTold })) ??
      (isOpen ? await this.#settleLost(own, said, settledAtMs) : undefined)
    if (settled) {
      if (own) await local.settle(commandId, said, settledAtMs)
      this.#kept.ended(commandId)
      return settled
    }
    const known = (await shared.get(commandId)) ?? own
    // Marked by an earlier incarnation, and its answer was lost: nobody else will end it in time.
    if (known?.state === 'written' && known.node === node && isOwn) this.#kept.endSoon(commandId, 'late')
    if (known?.state !== 'settled') return undefined
    if (known.node === node) {
      // Won by this very request, whose answer was lost, or by the last one of an earlier life: nobody else publishes it.
      const isOpenHere = await this.#kept.endAs(known)
      return isOpenHere || known.settledAtMs === settledAtMs ? known : undefined
    }
    if (own) await this.#kept.close(known)
    return undefined
  }

  /** As the last look found it; only then it is worth a question. */
  async #isInDoubt(record: CommandRecord): Promise<boolean> {
    const { knowledge } = this.#deps
    return knowledge.wasInDoubt(record) && (await knowledge.isInDoubt(record))
  }

  /** What this node keeps has its outcome even when the shared ledger has forgotten the command. */
  async #settleLost(own: CommandRecord, outcome: CommandOutcome, atMs: number): Promise<CommandRecord | undefined> {
    const { shared, knowledge } = this.#deps
    if (await shared.get(own.commandId)) return undefined
    await knowledge.isInDoubt(own)
    return await shared.settleKept(own, outcome, atMs)
  }
}
