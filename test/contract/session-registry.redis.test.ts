import { freshPrefix, type RedisAddress, redisNode, redisPlaces } from '../support/redis-nodes.ts'
import { type OpenedRegistry, sessionRegistryContract } from './session-registry.ts'

async function opened(address: RedisAddress, keyPrefix: string): Promise<OpenedRegistry> {
  const node = redisNode(address, { keyPrefix })
  await node.lease.begin()
  return {
    registry: node.registry,
    // Redis goes by its own clock, which is this machine's.
    clock: { now: () => Date.now(), advance: () => undefined },
    outrun: async (chargePointId, epoch) => {
      await node.registry.claim(chargePointId, epoch)
    },
    reopen: async () => {
      await node.close()
      return opened(address, keyPrefix)
    },
    dispose: () => node.close()
  }
}

for (const { name, address } of redisPlaces()) sessionRegistryContract(name, () => opened(address(), freshPrefix()))
