import { redisPlaces } from '../support/redis-nodes.ts'
import { redisWorld } from '../support/redis-world.ts'
import { sharedStateContract } from './shared-state.ts'

for (const { name, address } of redisPlaces()) {
  sharedStateContract(name, async () => {
    const { node, empty, dispose } = redisWorld(address())
    return {
      node: async ({ id, leaseTtlMs = 5_000 }) => {
        const made = node({ nodeId: id, leaseTtlMs })
        await made.lease.begin()
        return { shared: made.shared, lease: made.lease, die: () => made.close() }
      },
      empty,
      dispose
    }
  })
}
