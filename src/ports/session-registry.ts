export interface Claim {
  /** Greater than every earlier one for this charge point, and at least the seconds since 2020-01-01 UTC. */
  readonly epoch: number
  readonly displaced?: Owner
}
export interface Owner {
  readonly node: string
  readonly epoch: number
}

/** Says which gateway node owns a charge point. One node embedded; many with Redis. */
export interface SessionRegistry {
  /**
   * Take ownership in one atomic step; the epoch is at least `atLeast` (what this node remembers). Rejects with
   * `registry_unavailable` when a shared registry cannot be reached in time.
   */
  claim(chargePointId: string, atLeast?: number): Promise<Claim>
  /** Give ownership back. False, and nothing changes, unless `epoch` is still the current one. */
  release(chargePointId: string, epoch: number): Promise<boolean>
  /** The owner whose node is alive. */
  locate(chargePointId: string): Promise<Owner | undefined>
  /**
   * Register a session that is open already, after the registry was away or emptied. False: a newer epoch, or the same of
   * another node, is registered, or it was told as lost by a node that took this one for dead: the session has to end. A newer epoch
   * that was released counts as registered where nodes share it.
   */
  adopt(chargePointId: string, epoch: number): Promise<boolean>
}
