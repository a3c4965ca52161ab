import { RespConnection } from '../../scripts/services/resp.ts'
import { keysWith } from '../../src/adapters/redis/keys.ts'
import { freshPrefix, type RedisAddress, redisNode, redisPlaces } from '../support/redis-nodes.ts'
import { redisWorld } from '../support/redis-world.ts'
import { controlChannelContract } from './control-channel.ts'
import { nodeLeaseContract } from './node-lease.ts'
import { type OpenedRegistry, sessionRegistryContract } from './session-registry.ts'

// The ports by which nodes find each other: on one server and on a cluster, started once for all of them.

async function openedRegistry(address: RedisAddress, keyPrefix: string): Promise<OpenedRegistry> {
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
      return openedRegistry(address, keyPrefix)
    },
    dispose: () => node.close()
  }
}

/** In a cluster only the server of the channel's slot takes it; the others say where that is. */
async function publishAnything({ cluster, url = '', rootNodes = [url] }: RedisAddress, channel: string, text: string) {
  for (const root of rootNodes) {
    const connection = await RespConnection.open(Number(new URL(root).port))
    try {
      await connection.command(cluster ? 'SPUBLISH' : 'PUBLISH', channel, text)
      return
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('MOVED')) throw error
    } finally {
      connection.close()
    }
  }
}

for (const { name, address } of redisPlaces()) {
  sessionRegistryContract(name, () => openedRegistry(address(), freshPrefix()))

  nodeLeaseContract(name, async () => {
    const { node, empty, dispose } = redisWorld(address())
    return {
      node: ({ id, installation = id, leaseTtlMs = 5_000 }) => node({ nodeId: id, installation, leaseTtlMs }),
      empty,
      dispose
    }
  })

  controlChannelContract(name, async () => {
    const { keyPrefix, node, dispose } = redisWorld(address())
    return {
      node: (nodeId) => node({ nodeId, requestTimeoutMs: 1_000 }).control,
      garbage: (nodeId, text) => publishAnything(address(), keysWith(keyPrefix).channel(nodeId), text),
      dispose
    }
  })
}
