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
  /** Take ownership in one atomic step. */
  claim(chargePointId: string): Promise<Claim>
  /** Give ownership back. False, and nothing changes, unless `epoch` is still the current one. */
  release(chargePointId: string, epoch: number): Promise<boolean>
  locate(chargePointId: string): Promise<Owner | undefined>
}
