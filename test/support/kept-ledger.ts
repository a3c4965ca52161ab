import { KeptLedger } from '../../src/gateway/cluster/ledger.ts'
import { GatewayError } from '../../src/lib/gateway-error.ts'
import type { LeaseState } from '../../src/ports/node-lease.ts'
import type { CommandOutcome, CommandRecord } from '../../src/ports/records.ts'
import { claimedCommand } from './claimed-command.ts'
import { FakeClock } from './fake-clock.ts'
import { MemoryClusterLedger } from './memory-cluster.ts'
import { memoryLogger } from './memory-logger.ts'
import { MemoryLedger, MemoryRegistry, MemoryStore } from './memory-ports.ts'

export const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
export const away = new GatewayError('registry_unavailable', 'Redis did not answer', { canRetry: true })
export const accepted: CommandOutcome = { outcome: 'accepted', status: 'Accepted' }

/** Node a's ledger, on the disk of an earlier life when `store` is given. */
export function openLedger(store = new MemoryStore()) {
  const clock = new FakeClock()
  const shared = new MemoryClusterLedger('node-a')
  const registry = new MemoryRegistry()
  const doubted: string[] = []
  const lease: { away?: Error; whole: boolean; kind: LeaseState } = { whole: true, kind: 'held' }
  const knowledge = { inDoubt: false, wait: async () => undefined as unknown }
  const ledger = new KeptLedger({
    node: 'node-a',
    shared,
    local: new MemoryLedger(store, registry),
    store,
    lease: {
      incarnation: 'i-a',
      state: () => ({ kind: lease.kind, sinceMs: 0 }),
      registryIsWhole: async () => {
        if (lease.away) throw lease.away
        return lease.whole
      }
    },
    knowledge: {
      isInDoubt: async () => {
        await knowledge.wait()
        return knowledge.inDoubt
      },
      wasInDoubt: () => knowledge.inDoubt
    },
    clock,
    logger: memoryLogger(),
    onNotOwner: (chargePointId, epoch) => doubted.push(`${chargePointId} ${epoch}`)
  })
  const own = (epoch: number) => {
    registry.owners.set('CP-1', epoch)
    shared.owners.set('CP-1', epoch)
  }
  const command = (changed: Partial<CommandRecord> = {}) =>
    claimedCommand('c-1', { requestedAtMs: clock.now(), expiresAtMs: clock.now() + 60_000, ...changed })
  return { clock, shared, registry, doubted, lease, knowledge, ledger, own, command, store }
}
