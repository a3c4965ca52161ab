import { setTimeout as delay } from 'node:timers/promises'
import { RespConnection } from '../services/resp.ts'
import type { BenchCluster } from './bench-cluster.ts'
import { dataTransfer } from './kafka-backend.ts'
import { type LoadProcess, startLoad } from './load.ts'
import { markdownTable, seconds, whole } from './markdown.ts'
import { medianOf } from './median.ts'
import type { SuiteOptions } from './suite.ts'

const pollMs = 20
const waitS = 60
const deadlineMs = 60_000

/** Redis loses all that it has, while charge points are connected to every node. */
export async function measureRegistryLoss(cluster: BenchCluster, options: SuiteOptions): Promise<string> {
  const { rounds, connections, progress } = options
  const loads: LoadProcess[] = []
  const redis = await RespConnection.open(cluster.redis.port)
  const owners = async () => Number(await redis.command('EVAL', "return #redis.call('KEYS', 'cpg:cp:*:owner')", '0'))
  try {
    for (const [index, { url }] of cluster.gateways.entries()) {
      const load = startLoad()
      loads.push(load)
      await load.ask({ kind: 'open', url, connections, prefix: `LOSS${index}` })
    }
    const held = connections * cluster.gateways.length
    const registered: number[] = []
    const trusted: number[] = []
    for (let run = 0; run < rounds; run++) {
      // A loss within the lease of the one before it would be half a loss.
      await missIsTrusted(cluster, `settled-${run}`)
      const beganMs = performance.now()
      await redis.command('FLUSHALL')
      const miss = missIsTrusted(cluster, `lost-${run}`)
      while ((await owners()) < held) {
        if (performance.now() - beganMs > deadlineMs) throw new Error(`${await owners()} of ${held} are registered`)
        await delay(pollMs)
      }
      registered.push(performance.now() - beganMs)
      await miss
      trusted.push(performance.now() - beganMs)
      progress(
        `FLUSHALL ${run + 1}: registered after ${seconds(registered.at(-1) ?? 0)} s, a miss is trusted after ${seconds(trusted.at(-1) ?? 0)} s`
      )
    }
    const row = (name: string, values: readonly number[]) => [
      name,
      `${seconds(medianOf(values))} s`,
      `${seconds(Math.max(...values))} s`
    ]
    return markdownTable(
      [
        `after \`FLUSHALL\` of Redis, ${whole(held)} charge points on ${cluster.gateways.length} nodes, ${rounds} runs`,
        'median',
        'worst'
      ],
      [
        row('every charge point is registered again', registered),
        row('a charge point that is not there counts as offline again', trusted)
      ]
    )
  } finally {
    redis.close()
    await Promise.all(loads.map((load) => load.stop()))
  }
}

/** A command for nobody has its outcome: until all nodes have registered what they hold, it waits. */
async function missIsTrusted(cluster: BenchCluster, commandId: string): Promise<void> {
  const path = '/v1/charge-points/NOBODY/commands'
  const { status, body } = await cluster.gateway(0).post(path, dataTransfer(commandId), { prefer: `wait=${waitS}` })
  const { outcome } = body as { readonly outcome?: string }
  if (status !== 200 || outcome !== 'not_sent')
    throw new Error(`a command for nobody: ${status} ${JSON.stringify(body)}`)
}
