import assert from 'node:assert'
import type { Producer } from '@platformatic/kafka'
import { GatewayError } from '../../lib/gateway-error.ts'
import { backOffMs, wait } from '../../lib/wait.ts'
import type { Clock } from '../../ports/clock.ts'
import type { EventSink, SinkState } from '../../ports/event-sink.ts'
import type { Logger } from '../../ports/logger.ts'
import { type KafkaConnection, letGo } from './connection-options.ts'
import { explain, isUnreachable, saysBroker } from './faults.ts'
import { partitionOfKey } from './murmur2.ts'
import { type Compression, createProducer, produce } from './producer.ts'
import { batchesOf, recordBytes, recordBytesMaxOf, type WireRecord } from './record-batches.ts'
import { createStateHolder, type OnState, type StateHolder } from './state.ts'
import { type CreateTopicSettings, findOrCreateTopic, settingsOf, type TopicFacts, withAdmin } from './topic.ts'

export interface KafkaEventSinkOptions {
  readonly connection: KafkaConnection
  readonly topic: string
  readonly compression: Compression
  /** Present: a missing topic is created. */
  readonly createTopics?: CreateTopicSettings
  /** `max.message.bytes` of a topic that is created. */
  readonly createdBytesMax?: number
  readonly clock: Clock
  readonly logger: Logger
  readonly onState?: OnState
}

/** Kafka's own default of `max.message.bytes`, for a user who may not read the settings of the topic. */
const maxMessageBytesDefault = 1_048_588
/** One request carries at most this, however large the topic lets a batch be. */
const batchBytesMax = 1024 * 1024
/** A partition without an answer for so long makes the state `down`. A new leader takes about 10 s. */
const stuckAfterMs = 15_000
const probeEveryMs = 10_000
/** Whoever alters the settings of a topic tells no client, so they are asked for again. */
const settingsEveryMs = 60_000

export function createKafkaEventSink(options: KafkaEventSinkOptions): EventSink {
  return new KafkaEventSink(options)
}

interface Outstanding {
  readonly sinceMs: number
  /** Rejects the caller; what the library does with the request is no longer of interest. */
  readonly abandon: (error: GatewayError) => void
}

export class KafkaEventSink implements EventSink {
  readonly #options: KafkaEventSinkOptions
  readonly #state: StateHolder
  readonly #closing = new AbortController()
  readonly #outstanding = new Map<number, Outstanding>()
  /** Settled while there is a producer; a new promise from its end until the next one. */
  #ready: PromiseWithResolvers<void> | undefined
  #producer: Producer | undefined
  #topic: TopicFacts | undefined
  #settingsAtMs = 0
  #partitions = 0
  #takesNewPartitions = true
  #probing = false
  /** What a broker refused is too large, whatever the topic's settings said. */
  #refusedBytes = Number.POSITIVE_INFINITY
  #failures = 0
  #toldOfReplication = false
  #toldOfCompaction = false
  #toldOfPartitions = false

  constructor(options: KafkaEventSinkOptions) {
    this.#options = options
    this.#state = createStateHolder(`Kafka topic ${options.topic}`, options)
  }

  get partitions(): number {
    assert(this.#topic, 'the number of partitions is known after open')
    return this.#partitions
  }

  get recordBytesMax(): number {
    const bytesMax = recordBytesMaxOf(this.#topic?.recordBytesMax ?? maxMessageBytesDefault)
    return Math.min(bytesMax, this.#refusedBytes - 1)
  }

  state(): SinkState {
    return this.#state.current
  }

  partitionOf(key: string): number {
    return partitionOfKey(key, this.partitions)
  }

  open(): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(closed())
    if (this.#producer) return Promise.resolve()
    if (this.#ready) return this.#ready.promise
    const ready = Promise.withResolvers<void>()
    this.#ready = ready
    this.#findTopic().then(ready.resolve, ready.reject)
    return ready.promise
  }

  async send(partition: number, records: readonly WireRecord[]): Promise<void> {
    assert(partition >= 0 && partition < this.partitions, `there is no partition ${partition}`)
    assert(!this.#outstanding.has(partition), `partition ${partition} has a send outstanding`)
    const tooLarge = records.find((record) => recordBytes(record) > this.recordBytesMax)
    if (tooLarge) throw recordTooLarge(tooLarge, this.#options.topic, this.recordBytesMax)
    const { promise, reject } = Promise.withResolvers<never>()
    const outstanding = { sinceMs: this.#options.clock.now(), abandon: reject }
    this.#outstanding.set(partition, outstanding)
    try {
      await Promise.race([this.#write(partition, records), promise])
    } finally {
      if (this.#outstanding.get(partition) === outstanding) this.#outstanding.delete(partition)
    }
  }

  async restart(): Promise<void> {
    if (this.#closing.signal.aborted) throw closed()
    this.#takesNewPartitions = true
    this.#endProducer(restarted())
    await this.open()
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    // Who waits for the topic need not wait for what a broker that hangs says of it.
    this.#ready?.reject(closed())
    this.#endProducer(closed())
  }

  async #findTopic(): Promise<void> {
    const { connection, topic, createTopics, createdBytesMax, clock, logger } = this.#options
    const { signal } = this.#closing
    const create = createTopics && {
      ...createTopics,
      ...(createdBytesMax !== undefined && { recordBytesMax: createdBytesMax })
    }
    if (this.#failures > 0) await wait(clock, backOffMs(this.#failures), signal)
    for (let failures = 1; !signal.aborted; failures++) {
      const found = await findOrCreateTopic(connection, topic, 'write', create)
      if (signal.aborted) break
      if ('facts' in found) {
        this.#adopt(found.facts)
        return
      }
      logger.debug({ error: found.error, topic }, 'Kafka: the topic cannot be used yet')
      this.#state.fail(found.fault)
      await wait(clock, backOffMs(failures), signal)
    }
    throw closed()
  }

  #adopt(facts: TopicFacts): void {
    const { connection, compression, logger, topic } = this.#options
    this.#learn(facts)
    // Added partitions move keys, so they wait for a restart of the caller's queues. Fewer: the topic was made anew.
    if (this.#takesNewPartitions || facts.partitions < this.#partitions) {
      this.#partitions = facts.partitions
      this.#takesNewPartitions = false
      this.#toldOfPartitions = false
    }
    this.#lookAtPartitions(facts.partitions)
    if (facts.replicationFactor < 2 && !this.#toldOfReplication) {
      this.#toldOfReplication = true
      const remedy = 'give it 3 replicas (kafka-reassign-partitions.sh) and min.insync.replicas 2'
      logger.warn(
        { topic },
        `Kafka keeps the topic "${topic}" once only: the loss of one broker loses events; ${remedy}`
      )
    }
    const producer = createProducer(connection, compression, (operation, error) => {
      if (producer === this.#producer) this.#onTrouble(operation, error)
    })
    this.#producer = producer
    this.#ready = undefined
    if (this.#failures === 0) this.#state.up()
    this.#probeLater(producer)
  }

  /** What may be altered at any time. */
  #learn(facts: TopicFacts): void {
    const { clock, logger, topic } = this.#options
    const { recordBytesMax, cleanupPolicy = '' } = facts
    this.#settingsAtMs = clock.now()
    if (recordBytesMax !== this.#topic?.recordBytesMax) {
      this.#refusedBytes = Number.POSITIVE_INFINITY
      if (this.#topic)
        logger.info({ topic, maxMessageBytes: recordBytesMax }, 'Kafka: the topic takes another size now')
    }
    this.#topic = facts
    const isCompacted = cleanupPolicy.includes('compact')
    if (isCompacted && !this.#toldOfCompaction)
      logger.warn(
        { topic, cleanupPolicy },
        `Kafka compacts the topic "${topic}": of each charge point it keeps the newest record alone and loses the others; set its cleanup.policy to delete (kafka-configs.sh)`
      )
    this.#toldOfCompaction = isCompacted
  }

  async #lookAtSettings(): Promise<void> {
    const { connection, clock, logger, topic } = this.#options
    if (clock.now() - this.#settingsAtMs < settingsEveryMs) return
    this.#settingsAtMs = clock.now()
    try {
      const settings = await withAdmin(connection, (admin) => settingsOf(admin, topic))
      if (this.#topic) this.#learn({ ...this.#topic, ...settings })
    } catch (error) {
      // Whether Kafka can be used is for the probe and the sends to tell.
      logger.debug({ error, topic }, 'Kafka: the settings of the topic are not told')
    }
  }

  /** Without traffic nobody would notice that Kafka is away, nor that it is back. */
  #probeLater(producer: Producer): void {
    const { connection, clock, topic } = this.#options
    if (this.#probing) return
    this.#probing = true
    wait(clock, probeEveryMs, this.#closing.signal).then(async () => {
      this.#probing = false
      const current = this.#producer
      if (!current) return
      if (current === producer && this.#outstanding.size === 0) {
        try {
          const metadata = await producer.metadata({ topics: [topic], forceUpdate: true, retries: 0 })
          if (producer !== this.#producer) return
          this.#lookAtPartitions(metadata.topics.get(topic)?.partitionsCount)
          if (this.#failures === 0) this.#state.up()
        } catch (error) {
          if (producer !== this.#producer) return
          this.#state.fail(explain(error, connection, topic))
        }
      }
      await this.#lookAtSettings()
      this.#probeLater(current)
    })
  }

  async #write(partition: number, records: readonly WireRecord[]): Promise<void> {
    if (!this.#producer) await this.open()
    const producer = this.#producer
    assert(producer, 'an open sink has a producer')
    // The library would fold it onto another partition.
    if (partition >= this.#partitions) throw restarted()
    let written = 0
    for (const batch of batchesOf(records, Math.min(batchBytesMax, this.recordBytesMax))) {
      try {
        await produce(producer, this.#options.topic, partition, batch)
      } catch (error) {
        // This caller is told what happened; only the others are given back unread.
        if (producer === this.#producer) this.#outstanding.delete(partition)
        throw this.#failed(producer, batch, written, error)
      }
      // What a producer that was thrown away still delivers has already been told as lost.
      if (producer !== this.#producer) throw restarted()
      written += batch.length
    }
    this.#acknowledged(producer)
  }

  #acknowledged(producer: Producer): void {
    this.#failures = 0
    if (this.#state.current.kind !== 'up' && !this.#isStuck()) this.#state.up()
    this.#lookAtPartitions(producer.currentMetadata?.topics.get(this.#options.topic)?.partitionsCount)
  }

  #lookAtPartitions(now: number | undefined): void {
    const { logger, topic } = this.#options
    if (now === undefined || now === this.#partitions || this.#toldOfPartitions) return
    this.#toldOfPartitions = true
    logger.warn({ topic, partitions: now, used: this.#partitions }, 'Kafka: added partitions are used after a restart')
  }

  /** A send that failed for good took the producer's id and sequences with it, so the producer is thrown away. */
  #failed(producer: Producer, batch: readonly WireRecord[], written: number, error: unknown): GatewayError {
    if (this.#closing.signal.aborted) return closed(error)
    if (producer !== this.#producer) return restarted(error)
    const { connection, logger, topic } = this.#options
    const [first] = batch
    const isTooLarge = saysBroker(error, 'MESSAGE_TOO_LARGE') || saysBroker(error, 'RECORD_LIST_TOO_LARGE')
    if (isTooLarge && first) {
      // `max.message.bytes` was lowered since it was read: what fits is learnt from the refusal.
      this.#refusedBytes = batch.length === 1 ? recordBytes(first) : Math.ceil(this.recordBytesMax / 2)
      logger.warn(
        { topic, recordBytesMax: this.recordBytesMax },
        'Kafka refuses a batch as too large; the limit is lowered'
      )
    } else {
      this.#failures++
      this.#state.fail(explain(error, connection, topic))
      logger.warn({ error, topic }, 'Kafka: a send failed for good; a new producer is made')
    }
    this.#endProducer(restarted(error))
    this.open().catch((reason) => logger.debug({ error: reason }, 'Kafka: closed while a new producer was made'))
    if (isTooLarge && first && batch.length === 1 && written === 0)
      return recordTooLarge(first, topic, this.recordBytesMax)
    return restarted(error)
  }

  #onTrouble(operation: string, error: unknown): void {
    const { connection, logger, topic } = this.#options
    const fault = explain(error, connection, topic)
    logger.debug({ operation, detail: fault.detail }, 'Kafka: an attempt failed')
    // One leader that is away for a while is the daily business of a cluster; all brokers away, or a refusal, are not.
    if (isUnreachable(error) || fault.kind === 'misconfigured' || this.#isStuck()) this.#state.fail(fault)
  }

  #isStuck(): boolean {
    const before = this.#options.clock.now() - stuckAfterMs
    return this.#outstanding.values().some((send) => send.sinceMs < before)
  }

  #endProducer(error: GatewayError): void {
    const producer = this.#producer
    this.#producer = undefined
    for (const [partition, send] of [...this.#outstanding]) {
      this.#outstanding.delete(partition)
      send.abandon(error)
    }
    if (producer) letGo(producer)
  }
}

function restarted(cause?: unknown): GatewayError {
  return new GatewayError(
    'sink_restarted',
    'The producer was replaced; the records may or may not have been written.',
    {
      canRetry: true,
      cause
    }
  )
}

function closed(cause?: unknown): GatewayError {
  return new GatewayError('sink_closed', 'The sink is closed.', { cause })
}

function recordTooLarge(record: WireRecord, topic: string, bytesMax: number): GatewayError {
  const message = `A record of ${recordBytes(record)} bytes (key ${String(record.key)}) is larger than the ${bytesMax} that the topic "${topic}" takes.`
  return new GatewayError('record_too_large', message)
}
