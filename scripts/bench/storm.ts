import type { TopicRecord } from '../../test/chaos/topic-reader.ts'
import { Scrape } from '../../test/support/scrape.ts'
import { BenchCluster } from './bench-cluster.ts'
import { type LoadProcess, type LoadReport, startLoad } from './load.ts'
import { markdownTable, seconds, whole } from './markdown.ts'
import { cpuSecondsOf, residentBytesOf } from './server-process.ts'
import type { SuiteOptions } from './suite.ts'
import { TopicCheck, untilRecords } from './topic-check.ts'

const topic = 'ocpp-events-up'
const partitions = 12
/** Of the 20,000 open files that a process may have where this was made, with some to spare for the rest of it. */
const connectionsPerProcess = 18_500
const gatewaysMin = 2
/** Handshakes that one process of charge points has under way: all dial at once, as after a power cut, but no port runs out. */
const inFlight = 500
const attemptsMax = 60
const addressesPerProcess = 8
const deadlineBaseMs = 60_000
/** On a machine that does nothing else it is a tenth of it. */
const deadlinePerStationMs = 10

/** The whole network has had no power: everybody connects and boots at once. */
export async function measureStorm({ stations, progress }: SuiteOptions): Promise<string> {
  const count = Math.max(gatewaysMin, Math.ceil(stations / connectionsPerProcess))
  const cluster = await BenchCluster.start({
    gateways: Array.from({ length: count }, () => ({ 'server.connections_max': String(connectionsPerProcess) })),
    topics: { [topic]: { partitions } },
    progress
  })
  const loads: LoadProcess[] = []
  try {
    for (let n = 0; n < count; n++) loads.push(startLoad())
    progress(`${whole(stations)} charge points dial ${count} gateways`)
    const beganMs = performance.now()
    const accepted = allAccepted(cluster, loads, stations)
    const published = untilPublished(cluster, stations)
    const [reports, publishedMs] = await Promise.all([
      accepted.then((all) => ({ all, tookMs: performance.now() - beganMs })),
      published
    ])
    const connected = await connectedOf(cluster)
    if (connected !== stations) throw new Error(`${connected} of ${stations} charge points are connected`)
    progress('reading all of the topic')
    await new BootCheck(cluster.brokers, stations).run()
    return table(cluster, stations, reports, publishedMs - beganMs)
  } finally {
    await Promise.all(loads.map((load) => load.stop()))
    await cluster.close()
  }
}

/** Each process of charge points has a gateway, and addresses to dial from. */
function allAccepted(
  cluster: BenchCluster,
  loads: readonly LoadProcess[],
  stations: number
): Promise<readonly LoadReport[]> {
  return Promise.all(
    loads.map((load, n) =>
      load.ask({
        kind: 'open',
        url: cluster.gateway(n).url,
        connections: Math.floor((stations * (n + 1)) / loads.length) - Math.floor((stations * n) / loads.length),
        prefix: `STORM${n}`,
        inFlight,
        localAddresses: Array.from({ length: addressesPerProcess }, (_, address) => `127.0.${n + 1}.${address + 1}`),
        attemptsMax
      })
    )
  )
}

/** Each charge point makes two events: connected and booted. */
function untilPublished(cluster: BenchCluster, stations: number): Promise<number> {
  return untilRecords(cluster.brokers, topic, 2 * stations, deadlineBaseMs + stations * deadlinePerStationMs)
}

async function connectedOf(cluster: BenchCluster): Promise<number> {
  const scrapes = await Promise.all(cluster.gateways.map(({ api }) => Scrape.of(api)))
  return scrapes.reduce((sum, scrape) => sum + scrape.sum('cpg_connections'), 0)
}

/** Every charge point is in the topic, connected and booted. Who had to dial twice may be there twice. */
class BootCheck {
  readonly #stations: number
  readonly #seen = { 'charge_point.connected': new Set<string>(), 'charge_point.booted': new Set<string>() }
  readonly #check: TopicCheck

  constructor(brokers: readonly string[], stations: number) {
    this.#stations = stations
    this.#check = new TopicCheck(brokers, topic, (record) => this.#take(record))
  }

  async run(): Promise<void> {
    await this.#check.readOn()
    for (const [type, { size }] of Object.entries(this.#seen))
      if (size !== this.#stations)
        throw new Error(`${type} of ${size} of ${this.#stations} charge points is in ${topic}`)
    if (this.#check.ids.size !== this.#check.records) throw new Error('the topic holds an event twice')
  }

  #take({ key, value }: TopicRecord): void {
    const { type } = JSON.parse(value) as { readonly type: string }
    if (type === 'charge_point.connected' || type === 'charge_point.booted') this.#seen[type].add(key)
  }
}

function table(
  cluster: BenchCluster,
  stations: number,
  { all, tookMs }: { readonly all: readonly LoadReport[]; readonly tookMs: number },
  publishedMs: number
): string {
  const cpuSeconds = cluster.gateways.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0)
  const residentMiB = cluster.gateways.map(({ pid }) => residentBytesOf(pid) / 2 ** 20)
  const sum = (of: (report: LoadReport) => number) => all.reduce((total, report) => total + of(report), 0)
  return markdownTable(
    [`${whole(stations)} charge points at once, ${cluster.gateways.length} gateways`, 'figure'],
    [
      ['until all are accepted', `${seconds(tookMs)} s`],
      ['until all events are in the topic', `${seconds(publishedMs)} s`],
      ['boots a second', whole((stations * 1_000) / tookMs)],
      ['dial to `Accepted` at the slowest gateway, p50', `${seconds(Math.max(...all.map(({ p50Ms }) => p50Ms)))} s`],
      ['the same, p99', `${seconds(Math.max(...all.map(({ p99Ms }) => p99Ms)))} s`],
      ['attempts that failed', whole(sum(({ failedAttempts }) => failedAttempts))],
      ['CPU of the gateways per charge point', `${whole((cpuSeconds * 1e6) / stations)} us`],
      ['resident memory of the largest gateway', `${whole(Math.max(...residentMiB))} MiB`]
    ]
  )
}
