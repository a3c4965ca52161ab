import { BenchCluster } from './bench-cluster.ts'
import { markdownTable, whole } from './markdown.ts'
import { medianOf } from './median.ts'
import { sampleOf, startProducer } from './producer.ts'
import { cpuSecondsOf } from './server-process.ts'
import type { SuiteOptions } from './suite.ts'
import { Talkers } from './talkers.ts'

const fewPartitions = 6
const manyPartitions = 64
const steadyPerSecond = 2_000
const warmUpMs = 4_000

interface Sample {
  readonly perSecond: number
  readonly cpuUs: number
  readonly brokerCpuUs: number
}

/** From socket to topic as fast as it goes, beside the producer alone; then what an event costs in few and in many partitions. */
export async function measureTopic(options: SuiteOptions): Promise<string> {
  const counts = [fewPartitions, manyPartitions]
  const topicOf = (partitions: number) => `bench-${partitions}`
  const cluster = await BenchCluster.start({
    gateways: counts.map((partitions) => ({ 'kafka.events_topic': topicOf(partitions) })),
    topics: Object.fromEntries(counts.map((partitions) => [topicOf(partitions), { partitions }])),
    progress: options.progress
  })
  const sides: Talkers[] = []
  try {
    for (const [index, partitions] of counts.entries())
      sides.push(await Talkers.open(cluster, index, topicOf(partitions), options.connections))
    const [few] = sides
    if (!few) throw new Error('there is no gateway to measure')
    const flatOut = await measureFlatOut(options, few)
    const steady = await measureSteady(options, sides, counts)
    options.progress('reading all of the topics')
    for (const side of sides) await side.check()
    return `${flatOut}\n\n${steady}`
  } finally {
    await Promise.all(sides.map((side) => side.close()))
    await cluster.close()
  }
}

/** What work costs until all of its events are in the topic. `work` gives how many those are. */
async function measured(side: Talkers, work: () => Promise<number>): Promise<Sample & { readonly events: number }> {
  const { gateway, cluster } = side
  const cpu = () => [cpuSecondsOf(gateway.pid), cpuSecondsOf(cluster.kafka.pid())] as const
  const [gatewayBefore, brokerBefore] = cpu()
  const beganMs = performance.now()
  const events = await work()
  const tookMs = (await side.untilPublished()) - beganMs
  const [gatewayAfter, brokerAfter] = cpu()
  return {
    events,
    perSecond: (events * 1_000) / tookMs,
    cpuUs: ((gatewayAfter - gatewayBefore) * 1e6) / events,
    brokerCpuUs: ((brokerAfter - brokerBefore) * 1e6) / events
  }
}

async function measureFlatOut(options: SuiteOptions, side: Talkers): Promise<string> {
  const { rounds, seconds, connections, progress } = options
  const producer = startProducer()
  const gateway: Sample[] = []
  const alone: Sample[] = []
  try {
    for (let round = 0; round <= rounds; round++) {
      const mine = await measured(side, async () => (await side.talk(seconds * 1_000)).answered)
      const theirs = await produceAlone(side, producer, mine.events, round)
      progress(
        `flat out, round ${round}: ${whole(mine.events)} events, gateway ${whole(mine.perSecond)}/s, producer alone ${whole(theirs.perSecond)}/s`
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
  const ratio = (member: keyof Sample) => (mine[member] / theirs[member]).toFixed(2)
  return markdownTable(
    [`${whole(connections)} charge points, ${fewPartitions} partitions`, 'socket to topic', 'producer alone', 'ratio'],
    [
      ['events a second', whole(mine.perSecond), whole(theirs.perSecond), ratio('perSecond')],
      ['CPU of the process per event', us(mine.cpuUs), us(theirs.cpuUs), ratio('cpuUs')],
      ['CPU of the broker per event', us(mine.brokerCpuUs), us(theirs.brokerCpuUs), ratio('brokerCpuUs')]
    ]
  )
}

/** As many events as the gateway has just published, of the same kind, into the same topic. */
async function produceAlone(
  side: Talkers,
  producer: ReturnType<typeof startProducer>,
  events: number,
  round: number
): Promise<Sample> {
  const { cluster, topic } = side
  const sample = await sampleOf(side.gateway, side.ids)
  const request = { brokers: cluster.brokers, topic, partitions: fewPartitions, run: `alone-${round}`, sample, events }
  let own = { tookMs: 0, cpuUs: 0 }
  const { brokerCpuUs } = await measured(side, async () => {
    own = await producer.ask(request)
    side.expectMore(events)
    return events
  })
  // Its own clock: no process to ask, no topic to look at.
  return { perSecond: (events * 1_000) / own.tookMs, cpuUs: own.cpuUs / events, brokerCpuUs }
}

async function measureSteady(
  { rounds, seconds, progress }: SuiteOptions,
  sides: readonly Talkers[],
  counts: readonly number[]
): Promise<string> {
  const samples = sides.map(() => [] as (Sample & { readonly p50Ms: number })[])
  // Both as warm as the one that has been measured already.
  for (const side of sides) await measured(side, async () => (await side.talk(warmUpMs)).answered)
  for (let round = 1; round <= rounds; round++) {
    for (const [index, side] of sides.entries()) {
      let p50Ms = Number.NaN
      const sample = await measured(side, async () => {
        const report = await side.talk(seconds * 1_000, steadyPerSecond)
        p50Ms = report.p50Ms
        return report.answered
      })
      samples[index]?.push({ ...sample, p50Ms })
      progress(
        `${counts[index]} partitions, round ${round}: ${us(sample.cpuUs)}, broker ${us(sample.brokerCpuUs)}, ${whole(sample.perSecond)}/s, answers after ${p50Ms.toFixed(1)} ms`
      )
    }
  }
  const rows = counts.map((partitions, index) => {
    const own = samples[index] ?? []
    const { cpuUs, brokerCpuUs, perSecond } = medians(own)
    const p50Ms = medianOf(own.map((sample) => sample.p50Ms))
    return [`${partitions} partitions`, us(cpuUs), us(brokerCpuUs), whole(perSecond), `${p50Ms.toFixed(1)} ms`]
  })
  return markdownTable(
    [
      `${whole(steadyPerSecond)} events a second`,
      'CPU of the gateway per event',
      'CPU of the broker per event',
      'in the topic a second',
      'answer, p50'
    ],
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
