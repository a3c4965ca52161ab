/** A node as the cluster sees it. A lease that has run out is not listed as alive. */
export interface NodePresence {
  readonly node: string
  /** Grows with every start of the node. */
  readonly incarnation: string
  readonly alive: boolean
  /** Its lease had been lost, and not all of its sessions are registered again. */
  readonly adopting?: boolean
}

/**
 * `held`: ours, renewed within its time. `lost`: it ran out, or the registry was emptied: sessions have to be adopted before
 * anything that the registry says is trusted. `away`: the registry cannot be reached. `taken`: another installation runs with
 * this node's id: nothing of ours can be found by others, and nothing is adopted, until one of the two is given another id.
 */
export type LeaseState = 'held' | 'lost' | 'away' | 'taken'

/** This node's lease: renewed once a second, so that liveness costs O(nodes) and not O(charge points). */
export interface NodeLease {
  readonly incarnation: string
  /**
   * Take the lease: at once when the same installation (an id in `data_dir`) held it, else when it is free. Rejects with
   * `node_id_taken` when another installation holds it. When the registry is away it resolves, and goes on trying.
   */
  begin(): Promise<void>
  state(): { readonly kind: LeaseState; readonly sinceMs: number }
  /** Called at each change of the state, and when the incarnation changed because the lease had been lost. */
  onChange(listener: (state: LeaseState) => void): () => void
  /** All sessions are adopted: `lost` becomes `held`. */
  adopted(): void
  nodes(): Promise<readonly NodePresence[]>
  /**
   * False while sessions may be open that are not registered (a part of the registry was emptied a moment ago, or a node
   * has not adopted yet): then a charge point that is not located may be connected all the same.
   */
  registryIsWhole(): Promise<boolean>
  /** Give it back, so that nobody waits for it to run out. */
  end(): Promise<void>
}
