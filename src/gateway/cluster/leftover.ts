import type { CommandOutcome, CommandRecord } from '../../ports/records.ts'
import { claimUnsure, expired, lostAfterWrite, lostBeforeWrite } from '../outcomes.ts'

/**
 * Why a command that a node keeps may be left over. `restarted`: an earlier life had it; `handed_over`: another node got it; `late`: its
 * session should have ended it; `unsure`: its claim was not answered, or not to its end, and may have been carried out all the
 * same.
 */
export type LeftoverWhy = 'restarted' | 'handed_over' | 'late' | 'unsure'

export interface JudgedLeftover {
  readonly why: LeftoverWhy
  /** As it is on this node's disk. */
  readonly own: CommandRecord
  /** As the shared ledger has it; undefined: it was lost there. */
  readonly known: CommandRecord | undefined
  readonly node: string
}

/** What ends it when nobody has written it. */
const unsent: Readonly<Record<LeftoverWhy, CommandOutcome>> = {
  restarted: lostBeforeWrite,
  handed_over: expired,
  late: expired,
  unsure: claimUnsure
}

/** The outcome that this node has to give it; undefined: another node has it and ends it. */
export function outcomeOfLeftover({ why, own, known, node }: JudgedLeftover): CommandOutcome | undefined {
  if (own.state === 'written') return lostAfterWrite
  if (!known) return why === 'handed_over' ? lostAfterWrite : unsent[why]
  // It was entered anew after a loss of data: who had it may have written it, and cannot say so.
  if (why === 'handed_over' && known.state === 'claimed' && known.node !== own.node) return lostAfterWrite
  if (known.state === 'written') return known.node === node ? lostAfterWrite : undefined
  // It was claimed or handed over anew while this node was away, and its time is not over.
  if (why === 'restarted' && known.node !== node) return undefined
  // Settled as claimed, it can no longer be written by anybody.
  return unsent[why]
}
