import { redisPlaces } from '../support/redis-nodes.ts'
import { redisWorld } from '../support/redis-world.ts'
import { nodeLeaseContract } from './node-lease.ts'

for (const { name, address } of redisPlaces()) {
  nodeLeaseContract(name, async () => {
    const { node, ...world } = redisWorld(address())
    return {
      ...world,
      node: ({ id, installation = id, leaseTtlMs = 5_000 }) => node({ nodeId: id, installation, leaseTtlMs })
    }
  })
}
