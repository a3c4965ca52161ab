import { setTimeout as delay } from 'node:timers/promises'
import type { GatewayProcess } from '../../test/support/gateway-process.ts'
import { BenchCluster } from './bench-cluster.ts'
import { FieldStation } from './field-station.ts'
import { dataTransfer } from './kafka-backend.ts'
import { markdownTable } from './markdown.ts'
import { medianOf } from './median.ts'
import { measureRegistryLoss } from './registry-loss.ts'
import type { SuiteOptions } from './suite.ts'
import { TopicCheck } from './topic-check.ts'

const eventsTopic = 'ocpp-events-up'
const gatewayCount = 3
const stationCount = 5
const probeMs = 50
const waitS = 60
const deadlineMs = 60_000

/** What one charge point went through after its node was killed. */
interface Recovery {
  readonly acceptedMs: number
  readonly commandMs: number
  /** From the request to the outcome, of commands that were asked for too early. */
  readonly lost: readonly { readonly outcome: string; readonly tookMs: number }[]
}

/** Time until commands succeed again after `kill -9` of the node of the charge point, and after Redis was emptied. */
export async function measureFailover(options: SuiteOptions): Promise<string> {
  const { progress, backOffMs } = options
  const cluster = await BenchCluster.start({
    gateways: Array.from({ length: gatewayCount }, () => ({})),
    topics: { [eventsTopic]: { partitions: 6 } },
    progress
  })
  let owner = 0
  const stations = Array.from(
    { length: stationCount },
    (_, n) => new FieldStation({ id: `FAILOVER-${n}`, backOffMs, pickUrl: () => cluster.gateway(owner).url })
  )
  const asked = new Map<string, string>()
  try {
    const recoveries: Recovery[] = []
    for (let run = 0; run < options.rounds; run++) {
      const killed = cluster.gateway(owner)
      const other = cluster.gateway((owner + 2) % gatewayCount)
      await Promise.all(stations.map(({ accepted }) => accepted))
      for (const { id } of stations) await succeed(other, id, `before-${run}-${id}`, asked)
      progress(`run ${run + 1}: kill -9 of node ${owner}`)
      for (const station of stations) station.expectLoss()
      owner = (owner + 1) % gatewayCount
      const killedMs = performance.now()
      killed.signal('SIGKILL')
      recoveries.push(...(await Promise.all(stations.map((station) => recover(station, other, killedMs, run, asked)))))
      await killed.end('SIGKILL')
      await killed.start()
    }
    await check(cluster, stations, asked)
    return `${table(options, recoveries)}\n\n${await measureRegistryLoss(cluster, options)}`
  } finally {
    await Promise.all(stations.map((station) => station.close()))
    await cluster.close()
  }
}

/** Asks again and again, without waiting for the last one's outcome, until one has succeeded. */
async function recover(
  station: FieldStation,
  gateway: GatewayProcess,
  killedMs: number,
  run: number,
  asked: Map<string, string>
): Promise<Recovery> {
  const lost: { outcome: string; tookMs: number }[] = []
  const probes: Promise<void>[] = []
  let commandMs: number | undefined
  const probe = async (commandId: string) => {
    const askedMs = performance.now()
    const outcome = await ask(gateway, station.id, commandId)
    const nowMs = performance.now()
    if (outcome !== 'refused') asked.set(commandId, outcome)
    if (outcome === 'accepted') commandMs ??= nowMs - killedMs
    else lost.push({ outcome, tookMs: nowMs - askedMs })
  }
  while (commandMs === undefined) {
    if (performance.now() - killedMs > deadlineMs)
      throw new Error(`no command succeeds ${deadlineMs} ms after the kill`)
    probes.push(probe(`probe-${run}-${station.id}-${probes.length}`))
    await delay(probeMs)
  }
  const acceptedMs = (await station.accepted) - killedMs
  await Promise.all(probes)
  return { acceptedMs, commandMs, lost }
}

/** The outcome with its reason; `refused` when no command came to exist. */
async function ask(gateway: GatewayProcess, chargePointId: string, commandId: string): Promise<string> {
  const path = `/v1/charge-points/${chargePointId}/commands`
  const { status, body } = await gateway.post(path, dataTransfer(commandId), { prefer: `wait=${waitS}` })
  if (status === 503) return 'refused'
  const { outcome, reason } = body as { readonly outcome?: string; readonly reason?: string }
  if (status !== 200 || outcome === undefined)
    throw new Error(`command ${commandId}: ${status} ${JSON.stringify(body)}`)
  return reason === undefined ? outcome : `${outcome}/${reason}`
}

async function succeed(gateway: GatewayProcess, chargePointId: string, commandId: string, asked: Map<string, string>) {
  const outcome = await ask(gateway, chargePointId, commandId)
  if (outcome !== 'accepted') throw new Error(`command ${commandId} ended as ${outcome}`)
  asked.set(commandId, outcome)
}

/** Each command has one outcome in the topic, the one that was told; and was seen once, if it was accepted. */
async function check(cluster: BenchCluster, stations: readonly FieldStation[], asked: ReadonlyMap<string, string>) {
  const published = new Map<string, string>()
  const topic = new TopicCheck(cluster.brokers, eventsTopic, ({ value }) => {
    const { type, data } = JSON.parse(value) as {
      readonly type: string
      readonly data: { readonly commandId: string; readonly outcome: string; readonly reason?: string }
    }
    if (type !== 'command.outcome') return
    const outcome = data.reason === undefined ? data.outcome : `${data.outcome}/${data.reason}`
    if ((published.get(data.commandId) ?? outcome) !== outcome) throw new Error(`${data.commandId} has two outcomes`)
    published.set(data.commandId, outcome)
  })
  const endMs = performance.now() + deadlineMs
  const isMissing = () => [...asked].filter(([id, outcome]) => published.get(id) !== outcome)
  for (await topic.readOn(); isMissing().length > 0; await topic.readOn()) {
    if (performance.now() > endMs) throw new Error(`not in the topic: ${isMissing().join(' ')}`)
    await delay(200)
  }
  const accepted = [...asked.values()].filter((outcome) => outcome === 'accepted').length
  const seen = stations.reduce((sum, { commands }) => sum + commands, 0)
  const unknown = [...asked.values()].filter((outcome) => outcome.startsWith('unknown')).length
  if (seen < accepted || seen > accepted + unknown)
    throw new Error(`${accepted} commands were accepted, ${unknown} are unknown, and the charge points saw ${seen}`)
}

function table({ rounds, backOffMs }: SuiteOptions, recoveries: readonly Recovery[]): string {
  const row = (name: string, values: readonly number[]) => [
    name,
    values.length === 0 ? '-' : `${medianOf(values).toFixed(0)} ms`,
    values.length === 0 ? '-' : `${Math.max(...values).toFixed(0)} ms`
  ]
  const lost = recoveries.flatMap((recovery) => recovery.lost)
  const kinds = [...new Set(lost.map(({ outcome }) => outcome))]
  return markdownTable(
    [
      `after \`kill -9\` of the owner, ${rounds} runs, ${stationCount} charge points, back-off ${backOffMs} ms`,
      'median',
      'worst'
    ],
    [
      row(
        'the charge point is accepted by another node',
        recoveries.map(({ acceptedMs }) => acceptedMs)
      ),
      row(
        'the first command succeeds',
        recoveries.map(({ commandMs }) => commandMs)
      ),
      ...kinds.map((kind) => {
        const own = lost.filter(({ outcome }) => outcome === kind).map(({ tookMs }) => tookMs)
        return row(`${own.length} commands of the time between: \`${kind}\` after`, own)
      })
    ]
  )
}
