import type { Clock } from '../../ports/clock.ts'
import type { NodeLease } from '../../ports/node-lease.ts'

/** What a node that lives needs at most, once Redis is back: its client's pause between two attempts, and one renewal. */
const backMs = 3_000

/**
 * Tells whether a lease that is missing says that its node is dead. After an outage of the registry all leases have run out,
 * and whoever renews first would take all others for dead: so this node's own must have been held for as long as theirs last.
 */
export function missingIsDead(lease: Pick<NodeLease, 'state'>, clock: Clock, leaseTtlMs: number): () => boolean {
  return () => {
    const { kind, sinceMs } = lease.state()
    return kind === 'held' && clock.now() - sinceMs >= leaseTtlMs + backMs
  }
}
