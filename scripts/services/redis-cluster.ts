import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from './free-ports.ts'
import { type Host, openHost } from './host.ts'
import { ProcessGroup } from './process-group.ts'
import { redisImage, redisNode, redisStartDeadlineMs, redisWanted } from './redis.ts'
import { type Reply, RespConnection } from './resp.ts'
import { type NodeSpec, Service } from './service.ts'

const masters = 3
const slots = 16_384
const pollMs = 25

export interface RedisClusterOptions {
  /** Data survives a restart (append-only file). */
  readonly persistence?: boolean
  /** Anything from redis.conf, for every node. */
  readonly settings?: Readonly<Record<string, string>>
  readonly keepFolder?: boolean
}

/** A Redis Cluster of three masters without replicas. */
export class RedisCluster extends Service {
  readonly ports: readonly number[]
  /** One for each node. */
  readonly urls: readonly string[]

  constructor(group: ProcessGroup, host: Host, nodes: readonly NodeSpec[], ports: readonly number[]) {
    super(group, host, nodes)
    this.ports = ports
    this.urls = ports.map((port) => `redis://127.0.0.1:${port}`)
  }

  /** Resolves when every node sees all slots served by all nodes. */
  async untilWhole(): Promise<void> {
    const endMs = Date.now() + redisStartDeadlineMs
    for (const port of this.ports) {
      while (!(await seesWhole(port))) {
        if (Date.now() > endMs) throw new Error(`the Redis Cluster did not come together; node 0 says:\n${this.log(0)}`)
        await sleep(pollMs)
      }
    }
  }
}

/** Starts a Redis Cluster of three masters and shares the slots out among them. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const group = await ProcessGroup.open({ keepFolder: options.keepFolder ?? false })
  try {
    const all = await freePorts(2 * masters)
    const ports = all.slice(0, masters)
    const host = await openHost({ group, wanted: redisWanted, image: redisImage, ports })
    const nodes = ports.map((port, index) => {
      const settings = {
        'cluster-enabled': 'yes',
        'cluster-port': String(all[masters + index]),
        'cluster-announce-ip': '127.0.0.1',
        'cluster-node-timeout': '2000',
        ...(options.persistence ? { appendonly: 'yes' } : {}),
        ...options.settings
      }
      return redisNode({ group, host, name: `redis-${index}`, port, settings })
    })
    const cluster = new RedisCluster(group, host, nodes, ports)
    await cluster.startAll()
    await join(ports, all.slice(masters))
    await cluster.untilWhole()
    return cluster
  } catch (error) {
    await group.close()
    throw error
  }
}

async function join(ports: readonly number[], busPorts: readonly number[]): Promise<void> {
  for (const [index, port] of ports.entries()) {
    const first = Math.floor((index * slots) / masters)
    const last = Math.floor(((index + 1) * slots) / masters) - 1
    await ask(port, 'CLUSTER', 'ADDSLOTSRANGE', String(first), String(last))
    // Different from the start, or the nodes settle it one after the other once they meet.
    await ask(port, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
  }
  for (const [index, port] of ports.entries()) {
    if (index > 0) await ask(ports[0] ?? 0, 'CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPorts[index]))
  }
}

async function seesWhole(port: number): Promise<boolean> {
  const info = String(await ask(port, 'CLUSTER', 'INFO'))
  const map = await ask(port, 'CLUSTER', 'SLOTS')
  return info.includes('cluster_state:ok') && Array.isArray(map) && map.length === masters
}

async function ask(port: number, ...words: readonly string[]): Promise<Reply> {
  const connection = await RespConnection.open(port)
  try {
    return await connection.command(...words)
  } finally {
    connection.close()
  }
}
