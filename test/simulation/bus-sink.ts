import assert from 'node:assert'
import { Buffer } from 'node:buffer'
import { GatewayError } from '../../src/lib/gateway-error.ts'
import type { EventSink, SinkRecord, SinkState } from '../../src/ports/event-sink.ts'
import { type BusLife, partitionCount, partitionOf } from './bus.ts'

const retryMs = 300
const deliveryMsMax = 30
const answerMsMax = 20

/** A producer that retries for ever. */
export class BusSink implements EventSink {
  readonly partitions = partitionCount
  readonly #life: BusLife
  readonly #openedMs: number
  readonly #outstanding = new Map<number, (error: GatewayError) => void>()
  #clients = 1
  #isClosed = false

  constructor(life: BusLife) {
    this.#life = life
    this.#openedMs = life.scheduler.nowMs
  }

  get recordBytesMax(): number {
    return this.#life.bus.recordBytesMax
  }

  partitionOf(key: string): number {
    return partitionOf(key)
  }

  state(): SinkState {
    const { bus, node } = this.#life
    return { kind: bus.reaches(node) ? 'up' : 'down', sinceMs: this.#openedMs }
  }

  open(): Promise<void> {
    return this.#untilReached()
  }

  async send(partition: number, records: readonly SinkRecord[]): Promise<void> {
    if (this.#isClosed) throw closedError()
    assert(!this.#outstanding.has(partition), `partition ${partition} has a send outstanding`)
    if (records.some((record) => bytesOf(record) > this.recordBytesMax))
      throw new GatewayError('record_too_large', `the bus takes ${this.recordBytesMax} bytes`)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#outstanding.set(partition, reject)
    this.#deliver(partition, records, this.#clients).then(() => {
      if (this.#outstanding.get(partition) === reject) this.#outstanding.delete(partition)
      resolve()
    }, reject)
    return promise
  }

  async restart(): Promise<void> {
    if (this.#isClosed) throw closedError()
    this.#giveBack(new GatewayError('sink_restarted', 'made anew', { canRetry: true }))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#giveBack(closedError())
  }

  /** What has not left yet never will; what has may arrive when a later client has sent it again, and more. */
  #giveBack(error: GatewayError): void {
    this.#clients++
    for (const reject of this.#outstanding.values()) reject(error)
    this.#outstanding.clear()
  }

  async #deliver(partition: number, records: readonly SinkRecord[], client: number): Promise<void> {
    const { bus, scheduler, world, actor } = this.#life
    const { random } = scheduler
    await this.#untilReached()
    if (client !== this.#clients) return
    await new Promise<void>((answered) => {
      scheduler.after(random.between(0, deliveryMsMax), world, () => {
        bus.events[partition]?.push(...records)
        scheduler.after(random.between(0, answerMsMax), actor, answered)
      })
    })
    await this.#untilReached()
  }

  async #untilReached(): Promise<void> {
    const { bus, node, scheduler, actor } = this.#life
    for (;;) {
      if (this.#isClosed) throw closedError()
      if (bus.reaches(node)) return
      await scheduler.later(retryMs, actor, () => undefined)
    }
  }
}

function closedError(): GatewayError {
  return new GatewayError('sink_closed', 'the sink is closed')
}

function bytesOf({ key, value, headers }: SinkRecord): number {
  return [key, value, ...Object.entries(headers).flat()].reduce((bytes, text) => bytes + Buffer.byteLength(text), 0)
}
