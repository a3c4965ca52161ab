import { redisPlaces } from '../support/redis-nodes.ts'
import { redisWorld } from '../support/redis-world.ts'
import { clusterLedgerContract } from './cluster-ledger.ts'

for (const { name, address } of redisPlaces()) {
  clusterLedgerContract(name, async () => {
    const { node, empty, dispose } = redisWorld(address())
    return {
      node: async ({ id, leaseTtlMs = 5_000 }) => {
        const made = node({ nodeId: id, leaseTtlMs })
        await made.lease.begin()
        return { ledger: made.ledger, registry: made.registry, lease: made.lease, die: () => made.close() }
      },
      empty,
      dispose
    }
  })
}
