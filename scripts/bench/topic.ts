import { type LoadProcess, startLoad } from '../../src/bench/load.ts'
import { cpuSecondsOf } from '../../src/bench/server-process.ts'
import { medianOf } from '../../src/bench/suites.ts'
import { BenchCluster } from './bench-cluster.ts'
import { markdownTable, whole } from './markdown.ts'
import { sampleOf, startProducer } from './producer.ts'
import type { SuiteOptions } from './suite.ts'
import { TopicCheck, untilRecords } from './topic-check.ts'

const deadlineMs = 120_000
/** How many events each charge point makes before it talks: connected and booted. */
const eventsOfBoot = 2

/** From socket to topic as fast as it goes, beside the producer alone; then what an event costs in few and in many partitions. */
export async function measureTopic(options: SuiteOptions): Promise<string> {
  const topics = { 'bench-6': { partitions: 6 }, 'bench-64': { partitions: 64 } }
  const gateways = Object.keys(topics).map((topic) => ({ 'kafka.events_topic': topic }))
  const cluster = await BenchCluster.start({ gateways, topics, progress: options.progress })
  const sides: Side[] = []
  try {
    for (const [index, [topic, { partitions }]] of Object.entries(topics).entries()) {
      const load = startLoad()
      const side: Side = { topic, partitions, load, cluster, index, expected: 0, prefix: `TOPIC${partitions}` }
      sides.push(side)
      await load.ask({
        kind: 'open',
        url: cluster.gateway(index).url,
        connections: options.connections,
        prefix: side.prefix
      })
      side.expected = options.connections * eventsOfBoot
    }
    const flatOut = await measureFlatOut(options, sides)
    const steady = await measureSteady(options, sides)
    for (const { topic, expected } of sides) {
      options.progress(`reading all of ${topic}`)
      await new TopicCheck(cluster.brokers, topic).expect(expected)
    }
    return `${flatOut}\n\n${steady}`
  } finally {
    await Promise.all(sides.map(({ load }) => load.stop()))
    await cluster.close()
  }
}

interface Side {
  readonly topic: string
  readonly partitions: number
  readonly prefix: string
  readonly load: LoadProcess
  readonly cluster: BenchCluster
  readonly index: number
  /** Records that the topic has to hold by now. */
  expected: number
}

interface Sample {
  readonly perSecond: number
  readonly cpuUs: number
  readonly brokerCpuUs: number
}

/** Everybody talks, until every event is in the topic. */
async function talk(side: Side, durationMs: number, perSecond?: number): Promise<Sample & { readonly events: number }> {
  const { cluster, index, load, topic } = side
  const gatewayPid = cluster.gateway(index).pid
  const before = [cpuSecondsOf(gatewayPid), cpuSecondsOf(cluster.kafka.pid())] as const
  const beganMs = performance.now()
  const { answered } = await load.ask({ kind: 'talk', durationMs, ...(perSecond === undefined ? {} : { perSecond }) })
  side.expected += answered
  const tookMs = (await untilRecords(cluster.brokers, topic, side.expected, deadlineMs)) - beganMs
  return {
    events: answered,
    perSecond: (answered * 1_000) / tookMs,
    cpuUs: ((cpuSecondsOf(gatewayPid) - before[0]) * 1e6) / answered,
    brokerCpuUs: ((cpuSecondsOf(cluster.kafka.pid()) - before[1]) * 1e6) / answered
  }
}

async function measureFlatOut({ rounds, seconds, connections, progress }: SuiteOptions, [side]: readonly Side[]) {
  if (!side) throw new Error('there is no gateway to measure')
  const { cluster, topic, partitions } = side
  const keys = Array.from({ length: connections }, (_, n) => `${side.prefix}-${n}`)
  const producer = startProducer()
  const gateway: Sample[] = []
  const alone: Sample[] = []
  try {
    for (let round = 0; round <= rounds; round++) {
      const mine = await talk(side, seconds * 1_000)
      const sample = await sampleOf(cluster.gateway(side.index), keys)
      const brokerBefore = cpuSecondsOf(cluster.kafka.pid())
      const { events } = mine
      const { brokers } = cluster
      const report = await producer.ask({ brokers, topic, partitions, events, run: `alone-${round}`, sample })
      side.expected += events
      await untilRecords(brokers, topic, side.expected, deadlineMs)
      const theirs: Sample = {
        perSecond: (events * 1_000) / report.tookMs,
        cpuUs: report.cpuUs / events,
        brokerCpuUs: ((cpuSecondsOf(cluster.kafka.pid()) - brokerBefore) * 1e6) / events
      }
      progress(
        `flat out, round ${round}: ${whole(events)} events of ${sample.value.length} bytes, gateway ${whole(mine.perSecond)}/s, producer alone ${whole(theirs.perSecond)}/s`
      )
      // The first round warms up: the compilers of all three, the file, the log.
      if (round === 0) continue
      gateway.push(mine)
      alone.push(theirs)
    }
  } finally {
    await producer.stop()
  }
  const mine = medians(gateway)
  const theirs = medians(alone)
  return markdownTable(
    [
      `${whole(connections)} charge points flat out, ${partitions} partitions`,
      'gateway, socket to topic',
      'producer alone',
      'ratio'
    ],
    [
      [
        'events a second',
        whole(mine.perSecond),
        whole(theirs.perSecond),
        (mine.perSecond / theirs.perSecond).toFixed(2)
      ],
      ['CPU of the process per event', us(mine.cpuUs), us(theirs.cpuUs), (mine.cpuUs / theirs.cpuUs).toFixed(2)],
      ['CPU of the broker per event', us(mine.brokerCpuUs), us(theirs.brokerCpuUs), '']
    ]
  )
}

const steadyPerSecond = 2_000

async function measureSteady({ rounds, seconds, progress }: SuiteOptions, sides: readonly Side[]): Promise<string> {
  const samples = sides.map(() => [] as Sample[])
  for (let round = 0; round <= rounds; round++) {
    for (const [index, side] of sides.entries()) {
      const sample = await talk(side, seconds * 1_000, steadyPerSecond)
      progress(
        `${whole(steadyPerSecond)}/s, ${side.partitions} partitions, round ${round}: ${us(sample.cpuUs)}, broker ${us(sample.brokerCpuUs)}`
      )
      if (round > 0) samples[index]?.push(sample)
    }
  }
  const rows = sides.map(({ partitions }, index) => {
    const { cpuUs, brokerCpuUs } = medians(samples[index] ?? [])
    return [`${partitions} partitions`, us(cpuUs), us(brokerCpuUs)]
  })
  return markdownTable(
    [`${whole(steadyPerSecond)} events a second`, 'CPU of the gateway per event', 'CPU of the broker per event'],
    rows
  )
}

function medians(samples: readonly Sample[]): Sample {
  const of = (member: keyof Sample) => medianOf(samples.map((sample) => sample[member]))
  return { perSecond: of('perSecond'), cpuUs: of('cpuUs'), brokerCpuUs: of('brokerCpuUs') }
}

function us(value: number): string {
  return `${value.toFixed(1)} us`
}
