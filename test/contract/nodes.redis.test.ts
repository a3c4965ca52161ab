import { deepStrictEqual, ok } from 'node:assert'
import { test } from 'node:test'
import { type Reply, RespConnection } from '../../scripts/services/resp.ts'
import { keysWith } from '../../src/adapters/redis/keys.ts'
import { freshPrefix, type RedisAddress, redisNode, redisPlaces } from '../support/redis-nodes.ts'
import { redisWorld } from '../support/redis-world.ts'
import { until } from '../support/until.ts'
import { controlChannelContract } from './control-channel.ts'
import { nodeLeaseContract } from './node-lease.ts'
import { type OpenedRegistry, sessionRegistryContract } from './session-registry.ts'

// The ports by which nodes find each other: on one server and on a cluster, started once for all of them.

async function openedRegistry(address: RedisAddress, keyPrefix: string): Promise<OpenedRegistry> {
  const node = redisNode(address, { keyPrefix })
  await node.lease.begin()
  return {
    registry: node.registry,
    isShared: true,
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

/** In a cluster only the server of the key's slot takes the first command; the others say where that is. */
async function atHome({ url = '', rootNodes = [url] }: RedisAddress, ...commands: readonly string[][]): Promise<Reply> {
  let reply: Reply = null
  for (const root of rootNodes) {
    const connection = await RespConnection.open(Number(new URL(root).port))
    try {
      for (const words of commands) reply = await connection.command(...words)
      return reply
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('MOVED')) throw error
    } finally {
      connection.close()
    }
  }
  throw new Error('no server has the slot')
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
      garbage: async (nodeId, text) => {
        const command = address().cluster ? 'SPUBLISH' : 'PUBLISH'
        await atHome(address(), [command, keysWith(keyPrefix).channel(nodeId), text])
      },
      dispose
    }
  })

  // The list and a lease lie on different servers of a cluster: for a minute nobody found the node, and what was for its charge
  // points ended as offline.
  test(`${name}: a node whose server lost the list of nodes, and not its lease, stays known, and is listed within seconds`, async (t) => {
    const { keyPrefix, node, dispose } = redisWorld(address())
    t.after(dispose)
    const keys = keysWith(keyPrefix)
    const ids = ['node-a', 'node-b', 'node-c', 'node-d']
    const leases = ids.map((nodeId) => node({ nodeId, leaseTtlMs: 3_000 }).lease)
    const [lease] = leases
    ok(lease)
    for (const own of leases) {
      await own.begin()
      own.onChange((state) => state === 'lost' && own.adopted())
    }
    // By then each has been listed by its first renewal too; the next one would be after a minute.
    await until('it is whole', () => lease.registryIsWhole())
    const aliveFor = async (by = lease) => (await by.nodes()).filter(({ alive }) => alive).map((seen) => seen.node)
    deepStrictEqual((await aliveFor()).toSorted(), ids)
    await atHome(address(), ['EXISTS', keys.nodes], ['FLUSHALL'])
    const kept: string[] = []
    for (const id of ids) if ((await atHome(address(), ['EXISTS', keys.lease(id)])) === 1) kept.push(id)
    const alive = await aliveFor()
    deepStrictEqual(
      kept.filter((id) => !alive.includes(id)),
      []
    )
    ok(kept.length > 0 || !address().cluster, 'the leases lie on more than one server')
    const newcomer = node({ nodeId: 'node-e' }).lease
    await until('all are listed', async () => (await aliveFor(newcomer)).length === ids.length, 8_000)
  })
}
