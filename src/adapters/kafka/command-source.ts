import { Buffer } from 'node:buffer'
import { backOffMs, unlessAborted, wait, within } from '../../lib/wait.ts'
import type { Clock } from '../../ports/clock.ts'
import type { CommandHandler, CommandSource, SourceRecord } from '../../ports/command-source.ts'
import type { SinkState } from '../../ports/event-sink.ts'
import type { Logger } from '../../ports/logger.ts'
import type { KafkaConnection } from './connection-options.ts'
import { createDeadLetters, type DeadLetters } from './dead-letters.ts'
import { explain, type Fault } from './faults.ts'
import { Gate } from './gate.ts'
import { consumeGeneration, type GenerationSettings } from './generation.ts'
import { type GroupMember, type GroupTiming, joinGroup } from './group-member.ts'
import { createGroupOffsets, type Generation } from './group-offsets.ts'
import { createPartitionReader, type TopicRecord } from './partition-reader.ts'
import { createStateHolder } from './state.ts'
import { type CreateTopicSettings, findOrCreateTopic } from './topic.ts'

export interface KafkaCommandSourceOptions {
  readonly connection: KafkaConnection
  readonly topic: string
  readonly group: string
  readonly deadLetterTopic: string
  /** Present: missing topics are created. */
  readonly createTopics?: CreateTopicSettings
  /** How long a topic of commands that is created keeps them: a group that is set back brings no older ones. */
  readonly times?: { readonly retentionMs: number; readonly segmentMs: number }
  /** Defaults: 15 s and 3 s. */
  readonly timing?: GroupTiming
  readonly clock: Clock
  readonly logger: Logger
  readonly onState?: (state: SinkState) => void
}

const watchEveryMs = 5000
/** How many sessions a heartbeat may be late, as a rebalance holds it up, before the member is made anew. */
const silentSessions = 2
/** Records wait and nothing is read: something hangs that nobody reported. */
const silentMs = 60_000
const closeMs = 5000

export function createKafkaCommandSource(options: KafkaCommandSourceOptions): CommandSource {
  const { connection, topic, group, clock, logger, deadLetterTopic, createTopics, times } = options
  const create = createTopics && { ...createTopics, ...times }
  const timing = options.timing ?? { sessionTimeoutMs: 15_000, heartbeatMs: 3000 }
  const closing = new AbortController()
  const state = createStateHolder(`Kafka topic ${topic}`, options)
  const gate = new Gate()
  const originals = new WeakMap<SourceRecord, TopicRecord>()
  let deadLetterFault: Fault | undefined
  let running: Promise<void> | undefined
  let ownState: Fault | 'starting' | 'up' = 'starting'

  // A dead letter that cannot be put down holds the batch, so its trouble is the source's.
  const tell = (): void => {
    if (ownState === 'starting') return
    if (ownState !== 'up') state.fail(ownState)
    else if (deadLetterFault) state.fail(deadLetterFault, deadLetterTopic)
    else state.up()
  }
  const setOwn = (told: Fault | 'up'): void => {
    ownState = told
    tell()
  }
  const deadLetters: DeadLetters = createDeadLetters({
    connection,
    topic: deadLetterTopic,
    compression: 'none',
    ...(createTopics && { createTopics }),
    clock,
    logger,
    onState: (_, fault) => {
      deadLetterFault = fault
      tell()
    }
  })

  /** One membership, from its join until it is lost or the source is closed. */
  const consumeOnce = async (handler: CommandHandler): Promise<void> => {
    const lost = Promise.withResolvers<string>()
    const offsets = createGroupOffsets(connection, group, topic)
    const generations: Promise<void>[] = []
    const deps: GenerationSettings = {
      offsets,
      openOffsets: () => createGroupOffsets(connection, group, topic),
      closing: closing.signal,
      openReader: () => createPartitionReader(connection, group, topic),
      gate,
      clock,
      logger,
      topic,
      handler,
      toSource: (record, generation) => {
        const source = sourceRecord(topic, record, generation)
        originals.set(source, record)
        return source
      },
      onFault: (error) => setOwn(explain(error, connection, topic)),
      onWell: () => setOwn('up'),
      onSilence: (what) => lost.resolve(what),
      silentMs
    }
    const failed = (error: unknown): void => {
      logger.error({ error, topic }, 'Kafka: a generation failed')
      lost.resolve('a generation failed')
    }
    let member: GroupMember | undefined
    try {
      member = await joinGroup({
        ...timing,
        connection,
        group,
        topic,
        clock,
        closing: closing.signal,
        onGeneration: (generation: Generation) => {
          const { generationId, partitions } = generation
          logger.info({ topic, generation: generationId, partitions }, 'Kafka: partitions assigned')
          // Nobody waits for it before the member is lost, and a rejection that nobody hears ends the process.
          generations.push(consumeGeneration(generation, deps).catch(failed))
        },
        onLost: (error) => {
          deps.onFault(error)
          lost.resolve('the group was lost')
        }
      })
      setOwn('up')
      const reason = await untilLost(member, lost.promise)
      if (!closing.signal.aborted) logger.warn({ topic, reason }, 'Kafka: the consumer is made anew')
    } finally {
      await member?.close()
      // A handler that still accepts is waited for, but a hanging one must not hold up the close for ever.
      await within(clock, closeMs, Promise.all(generations), failed)
      offsets.close()
    }
  }

  const untilLost = async (member: GroupMember, lost: Promise<string>): Promise<string> => {
    let reason: string | undefined
    lost.then((said) => {
      reason = said
    })
    while (!closing.signal.aborted && reason === undefined) {
      await Promise.race([wait(clock, watchEveryMs, closing.signal), lost])
      if (clock.now() - member.lastSignMs() > silentSessions * timing.sessionTimeoutMs) return 'heartbeats have stalled'
    }
    return reason ?? 'closed'
  }

  const run = async (handler: CommandHandler): Promise<void> => {
    for (let failures = 1; !closing.signal.aborted; failures++) {
      const startedMs = clock.now()
      try {
        const found = await unlessAborted(findOrCreateTopic(connection, topic, 'read', create), closing.signal)
        if ('fault' in found) setOwn(found.fault)
        else await consumeOnce(handler)
      } catch (error) {
        logger.debug({ error, topic }, 'Kafka: the group could not be joined')
        // The stop itself is no fault.
        if (!closing.signal.aborted) setOwn(explain(error, connection, topic))
      }
      if (clock.now() - startedMs > 60_000) failures = 1
      await wait(clock, backOffMs(failures), closing.signal)
    }
  }

  return {
    async start(handler) {
      if (running) throw new Error('the source is started once')
      running = run(handler)
    },
    pause: () => gate.shut(),
    resume: () => gate.open(),
    deadLetter: (record, reason) => deadLetters.put(record, originals.get(record), reason),
    state: () => state.current,
    async close() {
      closing.abort()
      await deadLetters.close()
      await running
    }
  }
}

function sourceRecord(topic: string, record: TopicRecord, generation: number): SourceRecord {
  return {
    ...(record.key !== null && { key: Buffer.from(record.key).toString() }),
    // Bytes that are no UTF-8 become replacement characters, and then a refusal by whoever parses them.
    value: record.value === null ? '' : Buffer.from(record.value).toString(),
    timestampMs: record.timestampMs,
    where: `${topic}/${record.partition}@${record.offset}`,
    generation
  }
}
