import { setTimeout as delay } from 'node:timers/promises'
import { readTopicWithJava } from '../support/kafka-records.ts'
import { Audit } from './audit.ts'
import { type CaseWorld, type ChaosCase, unclaimed } from './cases.ts'
import { ChaosCluster, commandAgeMaxMs, commandsTopic, eventsTopic } from './chaos-cluster.ts'
import { CommandStream, type IssuedCommand } from './command-stream.ts'
import { Fleet } from './fleet.ts'
import { TopicReader } from './topic-reader.ts'

export interface ChaosSettings {
  readonly cases: readonly ChaosCase[]
  readonly stations: number
  readonly commandsPerSecond: number
  /** How long all talk before a case begins, and after it is over. */
  readonly talkMs: number
  readonly paceMs: number
  readonly leaseMs: number
  readonly patienceMs: number
  readonly callTimeoutMs: number
  readonly logBytesMax: string
  /** For all that a cluster does by its own time; beyond it the case has failed. */
  readonly deadlineMs: number
  readonly keep: boolean
  /** At the end the whole topic is read by Kafka's own Java consumer too. */
  readonly withJava: boolean
  readonly say: (line: string) => void
  /** A case is over; for whoever does not want to wait for the others. */
  readonly ended?: (report: CaseReport) => void
}

/** One row of the table. */
export interface CaseReport {
  readonly name: string
  readonly stations: number
  readonly answered: number
  readonly events: number
  readonly repeats: number
  readonly commands: number
  readonly outcomes: ReadonlyMap<string, number>
  readonly longestSilenceMs: number
  readonly recoveredMs: number
  readonly violations: readonly string[]
}

export interface ChaosReport {
  readonly cases: readonly CaseReport[]
  /** What the Java consumer sees otherwise. */
  readonly disagreements: readonly string[]
  readonly folders: readonly string[]
}

/** All cases, one after the other on one cluster. */
export async function runChaos(settings: ChaosSettings): Promise<ChaosReport> {
  const { say } = settings
  say('starting Redis, three brokers and three gateways')
  const cluster = await ChaosCluster.start(settings)
  const run = new ChaosRun(cluster, settings)
  const cases: CaseReport[] = []
  let disagreements: readonly string[] = []
  try {
    for (const chaosCase of settings.cases) {
      const report = await run.runCase(chaosCase)
      settings.ended?.(report)
      cases.push(report)
    }
    if (settings.withJava) disagreements = await run.compareWithJava()
  } finally {
    await run.close()
  }
  return { cases, disagreements, folders: settings.keep ? cluster.folders() : [] }
}

class ChaosRun {
  readonly #cluster: ChaosCluster
  readonly #settings: ChaosSettings
  readonly #fleet: Fleet
  readonly #commands: CommandStream
  readonly #reader: TopicReader
  readonly #audit = new Audit()

  constructor(cluster: ChaosCluster, settings: ChaosSettings) {
    this.#cluster = cluster
    this.#settings = settings
    const brokers = cluster.kafka.addresses()
    this.#fleet = new Fleet({ ...settings, pickUrl: () => cluster.pick().url })
    this.#commands = new CommandStream({
      brokers,
      topic: commandsTopic,
      stationIds: this.#fleet.stations.map(({ id }) => id),
      perSecond: settings.commandsPerSecond,
      pickApi: () => cluster.pick().process.api
    })
    this.#reader = new TopicReader(brokers, eventsTopic)
  }

  async close(): Promise<void> {
    await this.#fleet.close()
    await this.#commands.close()
    await this.#cluster.close()
  }

  async runCase(chaosCase: ChaosCase): Promise<CaseReport> {
    const { name, about, run } = chaosCase
    const { say, talkMs } = this.#settings
    const fleet = this.#fleet
    say(`${name}: ${about}`)
    const beganMs = Date.now()
    const before = {
      events: this.#audit.events,
      repeats: this.#audit.repeats,
      commands: this.#commands.issued.size,
      lost: this.#audit.lost
    }
    const violationsBefore = this.#audit.violations.length
    fleet.talk()
    this.#commands.begin(name)
    let recoveredMs = Number.NaN
    // Until it is well again, whenever that is.
    let wellAtMs = Number.POSITIVE_INFINITY
    const faults: string[] = []
    try {
      await this.#until('every charge point is answered', () => fleet.unansweredSince(beganMs).length === 0)
      await delay(talkMs)
      await run(this.#world())
      recoveredMs = await this.#recovered()
      wellAtMs = Date.now()
      await delay(talkMs)
    } catch (error) {
      // What was answered until then is counted all the same.
      faults.push(error instanceof Error ? error.message : String(error))
    }
    const longestSilenceMs = await this.#settled(before.commands, faults)
    const answers = fleet.takeAnswers()
    this.#audit.checkAnswers(answers)
    this.#audit.checkCommands(this.#commands.issued, fleet.writes, await this.#standing())
    const issued = [...this.#commands.issued.values()].slice(before.commands)
    this.#audit.checkExpiries(issued, wellAtMs, commandAgeMaxMs)
    this.#audit.checkReplies(issued, wellAtMs)
    const reasons = issued.flatMap(({ id, via }) => {
      const { reason } = this.#audit.outcomes.get(id) ?? {}
      return reason === undefined ? [] : [[`${id} (${via})`, reason] as const]
    })
    const violations = [
      ...faults,
      ...unclaimed(chaosCase, { lost: this.#audit.lost - before.lost, reasons }),
      ...this.#commands.faults.splice(0),
      ...[...fleet.takeRefusals()].map(([code, count]) => `${count} CALLs were answered with a CALLERROR ${code}`),
      ...this.#audit.violations.slice(violationsBefore)
    ]
    for (const [refusal, count] of this.#commands.takeRefusals()) say(`  503 ${count} times: ${refusal}`)
    for (const violation of violations.slice(0, 20)) say(`  BROKEN ${violation}`)
    return {
      name,
      stations: fleet.stations.length,
      answered: answers.length,
      events: this.#audit.events - before.events,
      repeats: this.#audit.repeats - before.repeats,
      commands: issued.length,
      outcomes: countOutcomes(issued, this.#audit),
      longestSilenceMs,
      recoveredMs,
      violations
    }
  }

  /** Where the open commands of the topic stand in it. */
  async #standing(): Promise<ReadonlyMap<string, string>> {
    const standing = new Map<string, string>()
    const open = new Set(this.#audit.open(this.#commands.issued.values()).map(({ id }) => id))
    if (open.size === 0) return standing
    const reader = new TopicReader(this.#cluster.kafka.addresses(), commandsTopic)
    await reader.readOn(({ partition, offset, value }) => {
      const { id } = JSON.parse(value) as { id: string }
      if (open.has(id)) standing.set(id, `partition ${partition}, offset ${offset}`)
    })
    return standing
  }

  async compareWithJava(): Promise<readonly string[]> {
    const beforeEvents = this.#audit.events
    await this.#reader.readOn((record) => this.#audit.take(record))
    if (this.#audit.events > beforeEvents) this.#settings.say('events came after the last case had settled')
    const records = await readTopicWithJava(this.#cluster.kafka, eventsTopic)
    const ids = new Set(records.map(({ key, value }) => `${key} ${(JSON.parse(value) as { id: string }).id}`))
    const seen = `${this.#audit.events} events and ${this.#audit.repeats} repeats`
    const theirs = `${ids.size} events and ${records.length - ids.size} repeats`
    return seen === theirs ? [] : [`the audit has seen ${seen}, Kafka's Java consumer ${theirs}`]
  }

  #world(): CaseWorld {
    return {
      ...this.#settings,
      cluster: this.#cluster,
      fleet: this.#fleet,
      until: (what, holds) => this.#until(what, holds)
    }
  }

  /** Everybody was answered something that was said after the end of the fault, and every gateway says that all is well. */
  async #recovered(): Promise<number> {
    const mendedMs = Date.now()
    await this.#until('every charge point is answered again', () => this.#fleet.unansweredSince(mendedMs).length === 0)
    await this.#until('every gateway says that all is well', async () => {
      const all = await this.#health()
      return all.every((health) => health?.ready && health.down.length === 0)
    })
    return Date.now() - mendedMs
  }

  /** Nobody talks, every command has its end, every log has drained, and all of the topic is read. */
  async #settled(firstCommand: number, faults: string[]): Promise<number> {
    const { deadlineMs, say } = this.#settings
    await Promise.all([this.#fleet.hush(), this.#commands.end()])
    const endMs = Date.now() + deadlineMs
    for (;;) {
      const drained = await this.#isDrained()
      await this.#reader.readOn((record) => this.#audit.take(record))
      // Of this case: what an earlier one has lost is told already, and would take the time of all that come after.
      const open = this.#audit.open([...this.#commands.issued.values()].slice(firstCommand))
      // Each is connected; who reads the topic must see that too.
      const gone = this.#audit.gone(this.#fleet.stations.map(({ id }) => id))
      if (drained && open.length === 0 && gone.length === 0) break
      if (Date.now() > endMs) {
        say(`  not at its end: ${drained ? '' : 'logs not drained; '}${open.length} commands without an outcome`)
        if (!drained) faults.push('a log did not drain')
        if (gone.length > 0) faults.push(`connected, and the topic says that they are gone: ${gone}`)
        break
      }
      await delay(500)
    }
    return this.#fleet.longestSilenceMs
  }

  async #isDrained(): Promise<boolean> {
    return (await this.#health()).every((health) => health?.backlog === 0)
  }

  #health() {
    return Promise.all(this.#cluster.gateways.map((gateway) => gateway.health()))
  }

  async #until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    const endMs = Date.now() + this.#settings.deadlineMs
    while (!(await holds())) {
      if (Date.now() > endMs) {
        const late = this.#fleet.unansweredSince(endMs - this.#settings.deadlineMs).map(({ id }) => id)
        const health = JSON.stringify(await this.#health())
        throw new Error(
          `${what}: not within ${this.#settings.deadlineMs} ms; not answered: ${late}; gateways: ${health}`
        )
      }
      await delay(100)
    }
  }
}

function countOutcomes(issued: readonly IssuedCommand[], audit: Audit): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { id, existence } of issued) {
    const { outcome, reason } = audit.outcomes.get(id) ?? {
      outcome: existence === 'refused' ? 'refused with 503' : 'no answer, no outcome'
    }
    const name = reason === undefined ? outcome : `${outcome}/${reason}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}
