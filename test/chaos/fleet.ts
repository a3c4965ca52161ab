import { setTimeout as delay } from 'node:timers/promises'
import { ChaosStation, type HeardCommand, type Reply, type StationAnswer, type StationWorld } from './chaos-station.ts'
import { speech16, speech201 } from './speech.ts'

export interface FleetOptions {
  readonly stations: number
  readonly callTimeoutMs: number
  readonly paceMs: number
  readonly pickUrl: () => string
}

/** What the stations saw of one command. */
export interface Writes {
  readonly reply: Reply
  readonly stationIds: string[]
}

/** Some hundred charge points in this process, and what they remember: what they were answered, which commands they saw. */
export class Fleet {
  readonly stations: readonly ChaosStation[]
  readonly writes = new Map<string, Writes>()
  #answers: StationAnswer[] = []
  /** CALLERRORs, by code. */
  #refusals = new Map<string, number>()
  #isQuiet = false
  #lastAnswerAtMs = Date.now()
  #longestSilenceMs = 0
  /** Bytes of the large messages; 0: none are said. */
  fatBytes = 0
  readonly #runs: readonly Promise<void>[]

  constructor({ stations, callTimeoutMs, paceMs, pickUrl }: FleetOptions) {
    const world: StationWorld = {
      pickUrl,
      callTimeoutMs,
      paceMs,
      isQuiet: () => this.#isQuiet,
      fatBytes: () => this.fatBytes,
      answered: (answer) => this.#answered(answer),
      refused: (code) => this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1),
      heard: (stationId, command) => this.#heard(stationId, command)
    }
    let transactions = 0
    this.stations = Array.from({ length: stations }, (_, n) => {
      const speech = n % 4 === 3 ? speech201(() => `chaos-transaction-${++transactions}`) : speech16
      return new ChaosStation(`CHAOS-${n}`, speech, world)
    })
    this.#runs = this.stations.map((station) => station.run())
  }

  /** The longest time in which no station at all was answered, since `talk`. */
  get longestSilenceMs(): number {
    return this.#isQuiet ? this.#longestSilenceMs : Math.max(this.#longestSilenceMs, Date.now() - this.#lastAnswerAtMs)
  }

  talk(): void {
    this.#isQuiet = false
    this.#lastAnswerAtMs = Date.now()
    this.#longestSilenceMs = 0
  }

  /** No new CALL; resolves when none is open any more. */
  async hush(): Promise<void> {
    this.#longestSilenceMs = this.longestSilenceMs
    this.#isQuiet = true
    while (this.stations.some(({ callsOpen }) => callsOpen > 0)) await delay(50)
  }

  /** Those that were not answered anything that they said after this time. */
  unansweredSince(timeMs: number): readonly ChaosStation[] {
    return this.stations.filter(({ answeredSentAtMs }) => answeredSentAtMs < timeMs)
  }

  /** What was answered since the last time. */
  takeAnswers(): readonly StationAnswer[] {
    const answers = this.#answers
    this.#answers = []
    return answers
  }

  /** Since the last time. */
  takeRefusals(): ReadonlyMap<string, number> {
    const refusals = this.#refusals
    this.#refusals = new Map()
    return refusals
  }

  async close(): Promise<void> {
    for (const station of this.stations) station.stop()
    await Promise.all(this.#runs)
  }

  #answered(answer: StationAnswer): void {
    const nowMs = Date.now()
    if (!this.#isQuiet) this.#longestSilenceMs = Math.max(this.#longestSilenceMs, nowMs - this.#lastAnswerAtMs)
    this.#lastAnswerAtMs = nowMs
    this.#answers.push(answer)
  }

  #heard(stationId: string, { id, reply }: HeardCommand): void {
    const seen = this.writes.get(id)
    if (seen) seen.stationIds.push(stationId)
    else this.writes.set(id, { reply, stationIds: [stationId] })
  }
}
