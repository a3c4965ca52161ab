import type { Ledger, LedgerClaim, WriteVerdict } from './ledger.ts'
import type { CommandOutcome, CommandRecord } from './records.ts'

/** What a sweep found: a command that nobody alive looks after, or an outcome that nobody has published. */
export interface OverdueCommand {
  readonly record: CommandRecord
  /**
   * `unclaimed`: claimed by a dead node and never handed over; `abandoned`: claimed, and the node that it was handed over to is
   * dead, or has not `received` it in time, so that its message was lost with the node that had claimed it;
   * `unanswered`: written by a node that is dead; `unpublished`: settled, and its event is not known to be durable.
   */
  readonly why: 'unclaimed' | 'abandoned' | 'unanswered' | 'unpublished'
}

/** Who ends a command, and what it does when the entry may not say all. */
export interface Settler {
  /** The caller keeps it as its own; only such a one may say that what it has marked as written was not sent. */
  readonly isOwn: boolean
  /**
   * Asked when the ledger has lost its data since the command was claimed, and somebody has entered it anew: another node may have
   * ended it before, and be about to tell. It is settled when this resolves, unless that has been told.
   */
  readonly untilTold: () => Promise<unknown>
}

/** The ledger that the nodes of a cluster share. Every method rejects with `registry_unavailable` when it is away. */
export interface ClusterLedger extends Ledger {
  /** `markWritten` without a look-up: the caller has the record. */
  write(record: CommandRecord, epoch: number, writtenAtMs: number): Promise<WriteVerdict>
  /**
   * This node has it on its disk, and no outcome. An entry that is gone is made anew, for `record.node`, which may know more. What this
   * node has written becomes written, by whomever it is claimed and whoever owns the charge point by now; an entry of an earlier
   * life of this node is this life's from now on: it lives, and ends the command.
   */
  tell(record: CommandRecord): Promise<LedgerClaim>
  settle(
    commandId: string,
    outcome: CommandOutcome,
    settledAtMs: number,
    by?: Settler
  ): Promise<CommandRecord | undefined>
  /**
   * `settle` by a node that keeps the record itself: an entry that is gone (the registry was emptied) is made anew as
   * settled, so that what was written still has its one outcome.
   */
  settleKept(record: CommandRecord, outcome: CommandOutcome, settledAtMs: number): Promise<CommandRecord | undefined>
  /**
   * From now on this life of `node` looks after the command. Before the control message is sent: what was handed over is
   * never claimed again. False: it is not the caller's any more, or not `claimed`.
   */
  handOver(commandId: string, node: string, incarnation: string): Promise<boolean>
  /** It was handed over to this node, which has the message. */
  received(record: CommandRecord): Promise<void>
  /**
   * Take over a claim that was never handed over and whose claimant is dead, or has read its record (`readIn`) in an earlier
   * generation of the group than the caller and has not confirmed it. Undefined: it is not such a one.
   */
  reclaim(record: CommandRecord): Promise<CommandRecord | undefined>
  /**
   * The offset of its record is committed, so it may be sent: from now on nobody takes it over from a living node. False:
   * somebody has.
   */
  confirm(record: CommandRecord): Promise<boolean>
  /** The event of its outcome is durable. */
  published(commandId: string): Promise<void>
  /**
   * Commands that are past their check time and that nobody alive looks after; each goes to one caller for a while. Nodes
   * call it every second or so.
   */
  overdue(nowMs: number, limit: number): Promise<readonly OverdueCommand[]>
}
