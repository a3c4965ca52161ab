import type { Ledger, LedgerClaim } from './ledger.ts'
import type { CommandRecord } from './records.ts'

/** A command that its node should have ended by now. */
export interface OverdueCommand {
  /** Settled here means: settled, but nobody said that its outcome was published. */
  readonly record: CommandRecord
  /** The incarnation that has it (the claimant, or whom it was handed over to) still holds its lease. */
  readonly ownerAlive: boolean
}

/**
 * The ledger that the nodes of a cluster share. Every method rejects with `registry_unavailable` (canRetry) when it cannot be
 * reached in time; then nothing may be written and nothing published.
 */
export interface ClusterLedger extends Ledger {
  /**
   * As `Ledger.claim`; and a claim whose claimant's incarnation is dead and which was never handed over is given anew to whoever
   * asks with the same digest.
   */
  claim(record: CommandRecord): Promise<LedgerClaim>
  /** Before the message to another node: from now on that node has the command. */
  handOver(commandId: string, node: string, incarnation: string): Promise<void>
  /** Commands to look at: a dead owner, or past their deadline, or settled and not published. Each to one caller for a while. */
  overdue(nowMs: number, limit: number): Promise<readonly OverdueCommand[]>
  /** The event of its outcome is on disk. */
  published(commandId: string): Promise<void>
  /** True when the entry is gone (the data of the ledger was lost), as distinct from a transition that was refused. */
  isGone(commandId: string): Promise<boolean>
}
