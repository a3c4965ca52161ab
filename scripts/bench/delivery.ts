import { BenchCluster } from './bench-cluster.ts'
import type { LoadReport } from './load.ts'
import { markdownTable } from './markdown.ts'
import { medianOf } from './median.ts'
import type { SuiteOptions } from './suite.ts'
import { Talkers } from './talkers.ts'

const partitions = 6
const perSecond = 500
const warmUpMs = 4_000
/** Enough answers for a p99 in half the time of other rounds; there are four kinds of them. */
const shareOfRound = 0.5
const acks = ['local', 'broker'] as const

/** What a charge point waits for its answer, by `delivery.ack`: with one broker, and with three of which two have to have it. */
export async function measureDelivery(options: SuiteOptions): Promise<string> {
  const rows: string[][] = []
  for (const brokers of [1, 3] as const) rows.push(...(await measureAcks(options, brokers)))
  return markdownTable(
    [`answer to a MeterValues at ${perSecond}/s`, '`local` p50, p99', '`broker` p50, p99', 'added p50, p99'],
    rows
  )
}

async function measureAcks(options: SuiteOptions, brokers: 1 | 3): Promise<string[][]> {
  const { rounds, seconds, connections, progress } = options
  const cluster = await BenchCluster.start({
    gateways: acks.map((ack) => ({ 'kafka.events_topic': `bench-${ack}`, 'delivery.ack': ack })),
    brokers,
    topics: Object.fromEntries(acks.map((ack) => [`bench-${ack}`, { partitions }])),
    progress
  })
  const sides: Talkers[] = []
  const reports = acks.map(() => [] as LoadReport[])
  try {
    for (const [index, ack] of acks.entries())
      sides.push(await Talkers.open(cluster, index, `bench-${ack}`, connections))
    progress('warming up')
    // A broker that has just started runs uncompiled code, and takes many times as long for a record.
    for (const side of sides) await side.talk(warmUpMs)
    for (let round = 1; round <= rounds; round++) {
      for (const [index, side] of sides.entries()) {
        const report = await side.talk(seconds * 1_000 * shareOfRound, perSecond)
        progress(
          `${brokers} brokers, ack ${acks[index]}, round ${round}: ${ms(report.p50Ms)}, ${ms(report.p99Ms)} of ${report.answered}`
        )
        reports[index]?.push(report)
      }
    }
    for (const side of sides) await side.check()
  } finally {
    await Promise.all(sides.map((side) => side.close()))
    await cluster.close()
  }
  const [local, broker] = reports.map(
    (samples) => [medianOf(samples.map(({ p50Ms }) => p50Ms)), medianOf(samples.map(({ p99Ms }) => p99Ms))] as const
  )
  if (!local || !broker) throw new Error('a bench needs both kinds of delivery')
  const pair = ([p50, p99]: readonly [number, number]) => `${ms(p50)}, ${ms(p99)}`
  const name = brokers === 1 ? 'one broker, acks=all' : 'three brokers, acks=all, min.insync 2'
  return [[name, pair(local), pair(broker), pair([broker[0] - local[0], broker[1] - local[1]])]]
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}
