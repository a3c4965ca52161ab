import type { CommandOutcome, CommandRecord } from './records.ts'

export type LedgerClaim =
  | { readonly kind: 'claimed'; readonly record: CommandRecord }
  /**
   * Claimed, but it may have been given and written before the ledger lost its data: it must not be written, and has to be
   * settled as `unknown/ledger_lost`.
   */
  | { readonly kind: 'in_doubt'; readonly record: CommandRecord }
  /** The same id with the same digest: the command that exists. */
  | { readonly kind: 'exists'; readonly record: CommandRecord }
  /** The same id with another digest or for another charge point. */
  | { readonly kind: 'conflict'; readonly record: CommandRecord }

/**
 * Whether a command may be written to a socket, and why not. `refused`: settled, or marked already. `not_owner`: another session
 * owns the charge point. `ledger_lost`: the ledger does not know it.
 */
export type WriteVerdict = 'written' | 'refused' | 'not_owner' | 'ledger_lost'

/** The life of each command. Every transition is a compare-and-set; a promise that resolves means that it is on disk. */
export interface Ledger {
  claim(record: CommandRecord): Promise<LedgerClaim>
  /** `claimed -> written`, before the socket write, which may follow `written` alone. */
  markWritten(commandId: string, epoch: number, writtenAtMs: number): Promise<WriteVerdict>
  /**
   * `claimed | written -> settled`, won once. Undefined: somebody else won. The returned record is to be committed as a
   * change of the outcome's event (embedded), so that no crash parts the two.
   */
  settle(commandId: string, outcome: CommandOutcome, settledAtMs: number): Promise<CommandRecord | undefined>
  get(commandId: string): Promise<CommandRecord | undefined>
  /** Newest first. */
  recent(chargePointId: string, limit: number): Promise<readonly CommandRecord[]>
  /** Commands not settled by an earlier life of this node: claimed ones were never written, written ones may have been. */
  unsettled(): Promise<readonly CommandRecord[]>
}
