import { setTimeout as delay } from 'node:timers/promises'
import type { GatewayProcess } from '../../test/support/gateway-process.ts'
import { Station } from '../../test/support/station.ts'
import { BenchCluster } from './bench-cluster.ts'
import { dataTransfer, KafkaBackend } from './kafka-backend.ts'
import { markdownTable, seconds } from './markdown.ts'
import type { SuiteOptions } from './suite.ts'
import { TopicCheck } from './topic-check.ts'

const eventsTopic = 'ocpp-events-up'
const stationCount = 10
const warmUps = 50
const paceMs = 20
const waitS = 20

interface Way {
  readonly name: string
  readonly run: (chargePointId: string, commandId: string) => Promise<string>
}

/** From the request for a command to its outcome, by HTTP on the charge point's own node and on the other, and by Kafka. */
export async function measureCommands(options: SuiteOptions): Promise<string> {
  const { progress } = options
  const cluster = await BenchCluster.start({
    gateways: [{}, {}],
    topics: { [eventsTopic]: { partitions: 6 } },
    progress
  })
  const backend = new KafkaBackend(cluster.brokers, 'commands-down')
  const stations: Station[] = []
  try {
    for (let n = 0; n < stationCount; n++) {
      const station = await Station.connect({ url: cluster.gateway(0).url, id: `COMMAND-${n}` })
      stations.push(station)
      await station.boot()
    }
    const firstMs = await timed(byHttp('', cluster.gateway(0)), 'COMMAND-0', 'first')
    progress(`the first command of all took ${seconds(firstMs)} s`)
    await backend.listen(eventsTopic)
    const ways: readonly Way[] = [
      byHttp('`POST` with `Prefer: wait`, same node', cluster.gateway(0)),
      byHttp('`POST` with `Prefer: wait`, other node', cluster.gateway(1)),
      {
        name: 'record in the commands topic to outcome in the events topic',
        run: (to, id) => backend.run(to, dataTransfer(id))
      }
    ]
    const times = await inTurn(ways, options)
    await check(cluster, stations, 1 + ways.length * (warmUps + options.commands))
    const rows = ways.map(({ name }, way) => {
      const sorted = (times[way] ?? []).toSorted((a, b) => a - b)
      const at = (share: number) => `${(sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1)} ms`
      return [name, at(0.5), at(0.99)]
    })
    const table = markdownTable([`${options.commands} commands on each way, one at a time`, 'p50', 'p99'], rows)
    return `${table}\n\nThe first command of all, on an empty Redis: ${seconds(firstMs)} s.`
  } finally {
    for (const station of stations) station.terminate()
    await backend.close()
    await cluster.close()
  }
}

function byHttp(name: string, gateway: GatewayProcess): Way {
  return {
    name,
    run: async (chargePointId, commandId) => {
      const path = `/v1/charge-points/${chargePointId}/commands`
      const { body } = await gateway.post(path, dataTransfer(commandId), { prefer: `wait=${waitS}` })
      return String((body as { readonly outcome?: string }).outcome)
    }
  }
}

async function timed({ run }: Way, chargePointId: string, commandId: string): Promise<number> {
  const beganMs = performance.now()
  const outcome = await run(chargePointId, commandId)
  if (outcome !== 'accepted') throw new Error(`command ${commandId} ended as ${outcome}`)
  return performance.now() - beganMs
}

/** One command after the other, each way in its turn. */
async function inTurn(ways: readonly Way[], { commands, progress }: SuiteOptions): Promise<readonly number[][]> {
  const times = ways.map(() => [] as number[])
  for (let n = 0; n < warmUps + commands; n++) {
    for (const [index, way] of ways.entries()) {
      const tookMs = await timed(way, `COMMAND-${n % stationCount}`, `${index}-${n}`)
      if (n >= warmUps) times[index]?.push(tookMs)
      await delay(paceMs)
    }
    if ((n + 1) % 100 === 0) progress(`${n + 1} of ${warmUps + commands} commands on each way`)
  }
  return times
}

/** Each command reached its charge point once, and its outcome stands in the topic once. */
async function check(cluster: BenchCluster, stations: readonly Station[], commands: number): Promise<void> {
  const received = stations.reduce((sum, station) => sum + station.received.length, 0)
  if (received !== commands) throw new Error(`the charge points saw ${received} commands of ${commands}`)
  await new TopicCheck(cluster.brokers, eventsTopic).expect(commands + 2 * stations.length)
}
