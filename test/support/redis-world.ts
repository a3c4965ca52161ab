import type { RedisOptions } from '../../src/adapters/redis/create-redis.ts'
import { emptyRedis, freshPrefix, type RedisAddress, type RedisNode, redisNode } from './redis-nodes.ts'

/** Several nodes on the same keys, closed together. */
export function redisWorld(address: RedisAddress) {
  const keyPrefix = freshPrefix()
  const nodes: RedisNode[] = []
  const node = (changed: Partial<RedisOptions>): RedisNode => {
    const made = redisNode(address, { keyPrefix, requestTimeoutMs: 2_000, ...changed })
    nodes.push(made)
    return made
  }
  return {
    keyPrefix,
    node,
    empty: () => emptyRedis(address),
    dispose: async () => {
      await Promise.all(nodes.map((made) => made.close()))
    }
  }
}
