import { setTimeout as delay } from 'node:timers/promises'
import { countRecords } from '../../test/support/kafka-records.ts'
import { Scrape } from '../../test/support/scrape.ts'
import { BenchCluster } from './bench-cluster.ts'
import { markdownTable, seconds, whole } from './markdown.ts'
import { medianOf } from './median.ts'
import { sampleOf, startProducer } from './producer.ts'
import type { SuiteOptions } from './suite.ts'
import { Talkers } from './talkers.ts'

const topic = 'bench-backlog'
const partitions = 6
const pollMs = 50
const deadlineMs = 60_000

interface Drain {
  readonly events: number
  /** From the end of the outage. */
  readonly firstMs: number
  readonly allMs: number
  /** From the first event to the last. */
  readonly perSecond: number
  readonly alonePerSecond: number
}

/** The broker hangs while charge points talk; then how fast what has gathered goes to the topic, beside the producer alone. */
export async function measureBacklog(options: SuiteOptions): Promise<string> {
  const { rounds, connections, progress } = options
  const cluster = await BenchCluster.start({
    gateways: [{ 'kafka.events_topic': topic, 'delivery.broker_patience': '1s' }],
    topics: { [topic]: { partitions } },
    progress
  })
  const producer = startProducer()
  let talkers: Talkers | undefined
  const drains: Drain[] = []
  try {
    talkers = await Talkers.open(cluster, 0, topic, connections)
    for (let round = 0; round <= rounds; round++) {
      const drain = await measureOutage(talkers, producer, options, round)
      progress(
        `outage ${round}: ${whole(drain.events)} events, ${whole(drain.perSecond)}/s after ${seconds(drain.firstMs)} s, producer alone ${whole(drain.alonePerSecond)}/s`
      )
      // The first round warms up: the compilers of all three.
      if (round > 0) drains.push(drain)
    }
    progress('reading all of the topic')
    await talkers.check()
  } finally {
    await Promise.all([talkers?.close(), producer.stop()])
    await cluster.close()
  }
  return table(drains)
}

async function measureOutage(
  talkers: Talkers,
  producer: ReturnType<typeof startProducer>,
  options: SuiteOptions,
  round: number
): Promise<Drain> {
  const { cluster, gateway } = talkers
  const { brokers, kafka } = cluster
  const sample = await warmSample(talkers, round)
  const before = await countRecords(brokers, topic)
  await kafka.pause()
  const { answered } = await talkers.talk(options.seconds * 1_000)
  const backlog = (await Scrape.of(gateway.api)).value('cpg_forward_backlog_events')
  if (backlog < answered) throw new Error(`${answered} answers without a broker, and a backlog of ${backlog}`)
  const resumedMs = performance.now()
  await kafka.resume()
  let count = before
  while (count === before) {
    if (performance.now() - resumedMs > deadlineMs) throw new Error('nothing is published after the outage')
    await delay(pollMs)
    count = await countRecords(brokers, topic)
  }
  const firstMs = performance.now()
  const allMs = await talkers.untilPublished()
  const alone = await producer.ask({ brokers, topic, partitions, events: answered, run: `alone-${round}`, sample })
  talkers.expectMore(answered)
  await talkers.untilPublished()
  return {
    events: answered,
    firstMs: firstMs - resumedMs,
    allMs: allMs - resumedMs,
    perSecond: ((before + answered - count) * 1_000) / (allMs - firstMs),
    alonePerSecond: (answered * 1_000) / alone.tookMs
  }
}

/** With the brokers there, so that the log and the topic have an event to take as a sample. */
async function warmSample(talkers: Talkers, round: number) {
  if (round === 0) {
    await talkers.talk(2_000)
    await talkers.untilPublished()
  }
  return await sampleOf(talkers.gateway, talkers.ids)
}

function table(drains: readonly Drain[]): string {
  const of = (member: keyof Drain) => medianOf(drains.map((drain) => drain[member]))
  const perSecond = of('perSecond')
  const alone = of('alonePerSecond')
  return markdownTable(
    [`backlog of ${whole(of('events'))} events after an outage`, 'gateway', 'producer alone', 'ratio'],
    [
      ['events a second', whole(perSecond), whole(alone), (perSecond / alone).toFixed(2)],
      ['first event in the topic after the end of the outage', `${seconds(of('firstMs'))} s`, '', ''],
      ['everything in the topic', `${seconds(of('allMs'))} s`, '', '']
    ]
  )
}
