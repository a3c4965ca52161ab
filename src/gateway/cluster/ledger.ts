import type { Clock } from '../../ports/clock.ts'
import type { ClusterLedger } from '../../ports/cluster-ledger.ts'
import type { Ledger, LedgerClaim } from '../../ports/ledger.ts'
import type { Logger } from '../../ports/logger.ts'
import type { NodeStore } from '../../ports/node-store.ts'
import { type CommandOutcome, type CommandRecord, keyOf } from '../../ports/records.ts'
import { isUnavailable } from './unavailable.ts'

export interface KeptLedgerDeps {
  readonly shared: ClusterLedger
  /** The node's own: keeps what this node has claimed or written, also when the shared one loses its data. */
  readonly local: Ledger
  readonly store: Pick<NodeStore, 'commit'>
  readonly clock: Clock
  readonly logger: Logger
}

const retryMs = 500

/**
 * The shared ledger, with what this node took on kept on its own disk as well. The shared one decides every race; the own one
 * makes sure that a command which this node knows is not written again when the shared one has forgotten it, and that it
 * gets its outcome. [design 4]
 */
export class KeptLedger implements Ledger {
  readonly #deps: KeptLedgerDeps
  #stopped = false

  constructor(deps: KeptLedgerDeps) {
    this.#deps = deps
  }

  /** Settlements that wait for the registry give up; the deadline index, or the next start, ends those commands. */
  stop(): void {
    this.#stopped = true
  }

  async claim(record: CommandRecord): Promise<LedgerClaim> {
    const claim = await this.#claimShared(record)
    if (claim.kind !== 'claimed') return claim
    const kept = await this.#deps.local.claim(claim.record)
    // The shared ledger has lost a command that this node took on before.
    return kept.kind === 'claimed' ? claim : kept
  }

  async markWritten(commandId: string, epoch: number, writtenAtMs: number): Promise<boolean> {
    const { shared, local } = this.#deps
    if (!(await shared.markWritten(commandId, epoch, writtenAtMs))) return false
    return await local.markWritten(commandId, epoch, writtenAtMs)
  }

  async settle(commandId: string, outcome: CommandOutcome, settledAtMs: number): Promise<CommandRecord | undefined> {
    for (;;) {
      try {
        return await this.#settle(commandId, outcome, settledAtMs)
      } catch (error) {
        if (!isUnavailable(error) || this.#stopped) throw error
        this.#deps.logger.debug({ commandId, error }, 'the registry is away; the command is settled when it is back')
        await new Promise<void>((resolve) => {
          this.#deps.clock.after(retryMs, resolve)
        })
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

  /** What an earlier life of this node left open and nobody else has settled since. */
  async unsettled(): Promise<readonly CommandRecord[]> {
    const open: CommandRecord[] = []
    for (const own of await this.#deps.local.unsettled()) {
      const known = await this.#sharedView(own.commandId)
      if (known?.state === 'settled') await this.#close(known)
      else open.push(known?.state === 'written' ? { ...own, state: 'written' } : own)
    }
    return open
  }

  async #settle(commandId: string, outcome: CommandOutcome, settledAtMs: number): Promise<CommandRecord | undefined> {
    const { shared, local } = this.#deps
    const own = await local.get(commandId)
    // What this node keeps has its outcome even when the shared ledger has forgotten the command.
    const isOpen = own && own.state !== 'settled'
    const settled = isOpen
      ? await shared.settleKept(own, outcome, settledAtMs)
      : await shared.settle(commandId, outcome, settledAtMs)
    if (settled) {
      if (own) await local.settle(commandId, outcome, settledAtMs)
      return settled
    }
    const theirs = own && (await shared.get(commandId))
    if (theirs?.state === 'settled') await this.#close(theirs)
    return undefined
  }

  /** A claim whose claimant has died before it could hand it over is there for whoever asks again. */
  async #claimShared(record: CommandRecord): Promise<LedgerClaim> {
    const { shared } = this.#deps
    const claim = await shared.claim(record)
    if (claim.kind !== 'exists' || claim.record.state !== 'claimed') return claim
    const again = await shared.reclaim(record)
    return again ? { kind: 'claimed', record: again } : claim
  }

  async #sharedView(commandId: string): Promise<CommandRecord | undefined> {
    try {
      return await this.#deps.shared.get(commandId)
    } catch (error) {
      if (!isUnavailable(error)) throw error
      return undefined
    }
  }

  /** Somebody else settled and published it: the own entry ends the same way. */
  async #close(record: CommandRecord): Promise<void> {
    const { local, store } = this.#deps
    if (!record.settlement) return
    await local.settle(record.commandId, record.settlement, record.settledAtMs ?? this.#deps.clock.now())
    await store.commit([{ table: 'commands', key: keyOf.command(record.commandId), value: record }])
  }
}
