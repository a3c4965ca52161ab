import type { GatewayProcess } from '../../test/support/gateway-process.ts'
import type { BenchCluster } from './bench-cluster.ts'
import { type LoadProcess, type LoadReport, startLoad } from './load.ts'
import { TopicCheck, untilRecords } from './topic-check.ts'

/** How many events each charge point makes before it talks: connected and booted. */
const eventsOfBoot = 2
const deadlineMs = 120_000

/** A gateway with a topic of its own, and the charge points that talk to it. */
export class Talkers {
  readonly cluster: BenchCluster
  readonly gateway: GatewayProcess
  readonly topic: string
  readonly ids: readonly string[]
  readonly #load: LoadProcess
  /** Records that the topic has to hold by now. */
  #expected: number

  private constructor(
    cluster: BenchCluster,
    gateway: GatewayProcess,
    topic: string,
    ids: readonly string[],
    load: LoadProcess
  ) {
    this.cluster = cluster
    this.gateway = gateway
    this.topic = topic
    this.ids = ids
    this.#load = load
    this.#expected = ids.length * eventsOfBoot
  }

  /** Charge points at the gateway of that index, which publishes to that topic. */
  static async open(cluster: BenchCluster, index: number, topic: string, connections: number): Promise<Talkers> {
    const gateway = cluster.gateway(index)
    const prefix = topic.toUpperCase()
    const load = startLoad()
    try {
      await load.ask({ kind: 'open', url: gateway.url, connections, prefix })
    } catch (error) {
      await load.stop()
      throw error
    }
    const ids = Array.from({ length: connections }, (_, n) => `${prefix}-${n}`)
    return new Talkers(cluster, gateway, topic, ids, load)
  }

  /** All talk; without `perSecond` as fast as they are answered. */
  async talk(durationMs: number, perSecond?: number): Promise<LoadReport> {
    const report = await this.#load.ask({ kind: 'talk', durationMs, ...(perSecond === undefined ? {} : { perSecond }) })
    this.#expected += report.answered
    return report
  }

  /** Somebody else has put records into the topic. */
  expectMore(records: number): void {
    this.#expected += records
  }

  /** When the topic held everything. */
  untilPublished(): Promise<number> {
    return untilRecords(this.cluster.brokers, this.topic, this.#expected, deadlineMs)
  }

  /** Fails unless every answered message, and nothing else, is in the topic, once. */
  async check(): Promise<void> {
    await this.untilPublished()
    await new TopicCheck(this.cluster.brokers, this.topic).expect(this.#expected)
  }

  async close(): Promise<void> {
    await this.#load.stop()
  }
}
