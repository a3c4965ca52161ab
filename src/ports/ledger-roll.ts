/** A part of what nodes share (a server of Redis), since it began empty or was started. */
export interface RollPart {
  /** Which part. */
  readonly part: string
  /** Another one means: the part began anew, and may have forgotten. */
  readonly value: string
  readonly sinceMs: number
  /** Nodes that have told it all they know. */
  readonly signed: readonly string[]
}

/** Which nodes have told the shared ledger what they know since it may have forgotten it. */
export interface LedgerRoll {
  /** Rejects with `registry_unavailable` when a part cannot be reached. */
  read(): Promise<readonly RollPart[]>
  /** This node has told all it knows to these parts. One that began anew meanwhile is not signed. */
  sign(parts: readonly RollPart[]): Promise<void>
}
