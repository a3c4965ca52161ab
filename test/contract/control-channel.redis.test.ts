import { RespConnection } from '../../scripts/services/resp.ts'
import { keysWith } from '../../src/adapters/redis/keys.ts'
import { redisPlaces } from '../support/redis-nodes.ts'
import { redisWorld } from '../support/redis-world.ts'
import { controlChannelContract } from './control-channel.ts'

for (const { name, address } of redisPlaces()) {
  controlChannelContract(name, async () => {
    const { keyPrefix, node, dispose } = redisWorld(address())
    const { cluster, url = '', rootNodes = [url] } = address()
    return {
      node: (nodeId) => node({ nodeId, requestTimeoutMs: 1_000 }).control,
      // In a cluster only the server of the channel's slot takes it; the others say where that is.
      garbage: async (nodeId, text) => {
        for (const root of rootNodes) {
          const connection = await RespConnection.open(Number(new URL(root).port))
          const channel = keysWith(keyPrefix).channel(nodeId)
          try {
            await connection.command(cluster ? 'SPUBLISH' : 'PUBLISH', channel, text)
            return
          } catch (error) {
            if (!(error instanceof Error) || !error.message.includes('MOVED')) throw error
          } finally {
            connection.close()
          }
        }
      },
      dispose
    }
  })
}
