import { setTimeout as delay } from 'node:timers/promises'
import { ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'
import type { Reply } from './chaos-station.ts'

/** `refused`: it is not sent; `uncertain`: nobody told whether it was taken. */
export type Existence = 'certain' | 'uncertain' | 'refused'

export interface IssuedCommand {
  readonly id: string
  readonly chargePointId: string
  readonly reply: Reply
  readonly via: 'topic' | 'api'
  existence: Existence
  /** When it was given last. */
  givenAtMs: number
}

export interface CommandStreamOptions {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly stationIds: readonly string[]
  readonly perSecond: number
  /** API of any living gateway. */
  readonly pickApi: () => string
}

const requestTimeoutMs = 5_000
const commandTimeoutMs = 5_000
const replies: readonly Reply[] = [
  'accept',
  'accept',
  'accept',
  'accept',
  'accept',
  'accept',
  'reject',
  'error',
  'mute'
]

/** A backend: commands through the topic and through the API of any gateway, at a steady pace. */
export class CommandStream {
  readonly issued = new Map<string, IssuedCommand>()
  /** Answers that no gateway should give. */
  readonly faults: string[] = []
  /** What the 503 said, and how often. */
  #refusals = new Map<string, number>()
  readonly #options: CommandStreamOptions
  readonly #producer: Producer<string, string, string, string>
  readonly #running = new Set<Promise<void>>()
  #prefix = ''
  #timer: NodeJS.Timeout | undefined
  #count = 0
  #giveUp = new AbortController()

  constructor(options: CommandStreamOptions) {
    this.#options = options
    this.#producer = new Producer({
      clientId: 'chaos-backend',
      bootstrapBrokers: [...options.brokers],
      serializers: stringSerializers
    })
  }

  begin(prefix: string): void {
    this.#prefix = prefix
    this.#giveUp = new AbortController()
    this.#timer = setInterval(() => {
      const run = this.#issue()
      this.#running.add(run)
      void run.finally(() => this.#running.delete(run))
    }, 1_000 / this.#options.perSecond)
  }

  /** No new ones; resolves when the fate of each that was begun is known, or cannot be found out in a while. */
  async end(): Promise<void> {
    clearInterval(this.#timer)
    const limit = setTimeout(() => this.#giveUp.abort(), 60_000)
    await Promise.all(this.#running)
    clearTimeout(limit)
  }

  /** Since the last time. */
  takeRefusals(): ReadonlyMap<string, number> {
    const refusals = this.#refusals
    this.#refusals = new Map()
    return refusals
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#giveUp.abort()
    await this.#producer.close(true)
  }

  async #issue(): Promise<void> {
    const n = ++this.#count
    const { stationIds } = this.#options
    const command: IssuedCommand = {
      id: `${this.#prefix}-${n}`,
      // One in fifty for somebody who does not exist.
      chargePointId: n % 50 === 0 ? 'NOBODY' : (stationIds[Math.floor(Math.random() * stationIds.length)] ?? ''),
      reply: replies[Math.floor(Math.random() * replies.length)] ?? 'accept',
      via: n % 2 === 0 ? 'topic' : 'api',
      existence: 'uncertain',
      givenAtMs: Date.now()
    }
    this.issued.set(command.id, command)
    const body = {
      id: command.id,
      type: 'ocpp.call',
      data: { action: 'DataTransfer', payload: { vendorId: 'chaos', messageId: command.reply, data: command.id } },
      timeoutMs: commandTimeoutMs
    }
    if (command.via === 'topic') await this.#toTopic(command, body)
    else await this.#toApi(command, body)
  }

  /** A send that fails is sent again, as every producer does: the command may stand in the topic twice. */
  async #toTopic(command: IssuedCommand, body: object): Promise<void> {
    const { chargePointId } = command
    const value = JSON.stringify({ chargePointId, ...body })
    while (!this.#giveUp.signal.aborted) {
      command.givenAtMs = Date.now()
      try {
        // The default is the leader alone, and `acks` of the producer is not heeded: what was answered would go with that leader.
        await this.#producer.send({
          messages: [{ topic: this.#options.topic, key: chargePointId, value }],
          acks: ProduceAcks.ALL
        })
        command.existence = 'certain'
        return
      } catch {
        // The brokers are away; this is what the run does to them.
        await delay(1_000)
      }
    }
  }

  /** A request without an answer is made again at another gateway: the same id, so the same command. */
  async #toApi(command: IssuedCommand, body: object): Promise<void> {
    let isFirst = true
    while (!this.#giveUp.signal.aborted) {
      const status = await this.#post(command.chargePointId, body)
      if (status === 200 || status === 202) {
        command.existence = 'certain'
        return
      }
      if (status !== undefined && status !== 503) {
        this.faults.push(`POST of ${command.id} was answered ${status}`)
        return
      }
      if (status === 503 && isFirst) {
        command.existence = 'refused'
        return
      }
      isFirst = false
      await delay(1_000)
    }
  }

  async #post(chargePointId: string, body: object): Promise<number | undefined> {
    try {
      const response = await fetch(`${this.#options.pickApi()}/v1/charge-points/${chargePointId}/commands`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(requestTimeoutMs)
      })
      const text = await response.text()
      if (response.status === 503) {
        const { detail = text } = JSON.parse(text) as { detail?: string }
        this.#refusals.set(detail, (this.#refusals.get(detail) ?? 0) + 1)
      }
      return response.status
    } catch {
      // No answer: whether there is a command is not known.
      return undefined
    }
  }
}
