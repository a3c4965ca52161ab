import type { CommandOutcome, CommandRecord } from '../../ports/records.ts'

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

/** The outcome that this node has to give it; undefined: another node has it and ends it. */
export function outcomeOfLeftover({ why, own, known, node }: JudgedLeftover): CommandOutcome | undefined {
  if (own.state === 'written') return unknown
  if (!known) return why === 'handed_over' ? unknown : notSent(why)
  // It was entered anew after a loss of data: who had it may have written it, and cannot say so.
  if (why === 'handed_over' && known.state === 'claimed' && known.node !== own.node) return unknown
  if (known.state === 'written') return known.node === node ? unknown : undefined
  // It was claimed or handed over anew while this node was away, and its time is not over.
  if (why === 'restarted' && known.node !== node) return undefined
  // Settled as claimed, it can no longer be written by anybody.
  return notSent(why)
}

/** Nobody can say whether it was sent: the ledger lost its data, and so did not know the command. */
export const mayBeWritten: CommandOutcome = {
  outcome: 'unknown',
  reason: 'ledger_lost',
  detail:
    'the ledger of commands lost its data after the command was given, and a gateway that may have sent it has not come back; ask the charge point for its state'
}

const unknown: CommandOutcome = {
  outcome: 'unknown',
  reason: 'node_lost',
  detail: 'a gateway node was lost after the command may have been written; ask the charge point for its state'
}

function notSent(why: LeftoverWhy): CommandOutcome {
  if (why === 'restarted') {
    const detail = 'the gateway stopped before the command was sent; send it again'
    return { outcome: 'not_sent', reason: 'node_lost', detail }
  }
  if (why === 'unsure') {
    const detail = 'the ledger did not say in time that it has the command; send it again'
    return { outcome: 'not_sent', reason: 'ledger_lost', detail }
  }
  return { outcome: 'not_sent', reason: 'expired', detail: 'its turn did not come before expiresAt' }
}
