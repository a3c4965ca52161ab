import { GatewayError } from '../../lib/gateway-error.ts'
import { backOffMs, wait } from '../../lib/wait.ts'
import type { Clock } from '../../ports/clock.ts'
import type { CommandHandler, SourceRecord } from '../../ports/command-source.ts'
import type { Logger } from '../../ports/logger.ts'
import { isFenced } from './faults.ts'
import type { Gate } from './gate.ts'
import type { Generation, GroupOffsets } from './group-offsets.ts'
import { type FetchedPartition, outOfRange, type PartitionReader, type TopicRecord } from './partition-reader.ts'

export interface GenerationSettings {
  readonly offsets: GroupOffsets
  /** For what is left over of a generation; closed by whoever opened it. */
  readonly openOffsets: () => GroupOffsets
  /** Aborted when the source is closed. */
  readonly closing: AbortSignal
  /** A reader for one generation: its fetch sessions end with it. */
  readonly openReader: () => PartitionReader
  readonly gate: Gate
  readonly handler: CommandHandler
  readonly toSource: (record: TopicRecord, generation: number) => SourceRecord
  readonly topic: string
  readonly clock: Clock
  readonly logger: Logger
  readonly onFault: (error: unknown) => void
  /** The brokers answer again. */
  readonly onWell: () => void
  /** Nothing was read for `silentMs`, or the topic has changed: the consumer should be made anew. */
  readonly onSilence: (what: string) => void
  readonly silentMs: number
}

interface GenerationDeps extends GenerationSettings {
  readonly reader: PartitionReader
}

/** Of a batch that is accepted as one. Larger ones only lengthen what must be repeated. */
const batchRecordsMax = 500
/** How long a member waits for another one to commit what it has accepted itself: by then commands have expired. */
const otherCommitMaxMs = 10 * 60_000
/** Attempts in a row that may fail before the state says so, about two seconds. */
const tellAfterFailures = 3

/**
 * Reads the partitions of one generation until it is over: fetch, accept, commit, proceed, and only then the next fetch of
 * these partitions. Those of another broker go on meanwhile. Never rejects.
 */
export async function consumeGeneration(generation: Generation, settings: GenerationSettings): Promise<void> {
  const { partitions, signal } = generation
  const { clock, gate, logger, topic } = settings
  const reader = settings.openReader()
  // A fetch that waits for records would hold up what follows.
  signal.addEventListener('abort', () => reader.close())
  const deps: GenerationDeps = { ...settings, reader }
  const positions = await startOffsets(generation, deps)
  const rounds = new Map<number, Promise<void>>()
  const busy = new Set<number>()
  const handling = new Set<number>()
  let topicPartitions: number | undefined
  let failures = 0
  let lostCommits = 0
  let hasFetched = false
  const fail = async (error: unknown): Promise<void> => {
    if (signal.aborted) return
    failures++
    reader.forget()
    // A leader that moves is the daily business of a cluster.
    if (failures >= tellAfterFailures) deps.onFault(error)
    logger.debug({ error, topic }, 'Kafka: a fetch failed')
    await wait(clock, backOffMs(failures), signal)
  }

  const round = async (node: number, led: readonly number[]): Promise<void> => {
    const offsets = new Map(led.map((partition) => [partition, positions.get(partition) ?? 0n]))
    try {
      const fetched = await withDeadline(clock, deps.silentMs, reader.fetch(node, offsets), deps.onSilence)
      // Also the first of a generation: an earlier one may have told of a fault and never come to a fetch again.
      if (failures >= tellAfterFailures || !hasFetched) deps.onWell()
      hasFetched = true
      failures = 0
      for (const partition of led) handling.add(partition)
      for (const batch of batchesIn(fetched)) {
        if (await handle(batch, generation, deps, positions)) continue
        // The next generation begins when the member has joined again; until then every commit would be refused.
        await wait(clock, backOffMs(++lostCommits), signal)
        return
      }
      lostCommits = 0
    } catch (error) {
      await fail(await skipTrimmed(error, positions, deps))
    } finally {
      for (const partition of led) handling.delete(partition)
    }
  }

  const watched = watchLag(generation, deps, (partition) => handling.has(partition), positions)
  while (!signal.aborted) {
    await gate.pass(signal)
    try {
      const found = await reader.leaders()
      topicPartitions ??= found.partitions
      if (found.isAnother) deps.onSilence('the topic was deleted and made anew')
      else if (found.partitions !== topicPartitions) deps.onSilence('the topic has another number of partitions')
      for (const [node, led] of found.byNode) {
        const free = led.filter((partition) => partitions.includes(partition) && !busy.has(partition))
        if (free.length === 0 || rounds.has(node)) continue
        for (const partition of free) busy.add(partition)
        const done = round(node, free).finally(() => {
          for (const partition of free) busy.delete(partition)
          rounds.delete(node)
        })
        rounds.set(node, done)
      }
    } catch (error) {
      await fail(error)
    }
    // Without partitions, or without leaders, there is nothing to wait for but time.
    await Promise.race([...rounds.values(), wait(clock, rounds.size === 0 ? 500 : 5000, signal)])
  }
  await Promise.all([...rounds.values(), watched])
}

/** Records wait, nobody handles or pauses, and yet a position stands still: fetches are answered with nothing. */
async function watchLag(
  { partitions, signal }: Generation,
  { clock, gate, reader, logger, topic, silentMs, onSilence }: GenerationDeps,
  isHandled: (partition: number) => boolean,
  positions: ReadonlyMap<number, bigint>
): Promise<void> {
  for (;;) {
    await gate.pass(signal)
    const before = new Map(positions)
    await wait(clock, silentMs, signal)
    if (signal.aborted) return
    try {
      const ends = partitions.length === 0 ? new Map<number, bigint>() : await reader.bounds(partitions, 'latest')
      const stuck = [...ends].find(([partition, end]) => {
        const position = positions.get(partition)
        return position !== undefined && position < end && position === before.get(partition) && !isHandled(partition)
      })
      if (stuck && gate.isOpen) onSilence(`records wait in partition ${stuck[0]} and none is read`)
    } catch (error) {
      logger.debug({ error, topic }, 'Kafka: the lag could not be asked for')
    }
  }
}

/** The committed offsets, and the oldest record of what was never committed. Asked until answered. */
async function startOffsets(generation: Generation, deps: GenerationDeps): Promise<Map<number, bigint>> {
  const { partitions, signal } = generation
  for (let failures = 1; partitions.length > 0 && !signal.aborted; failures++) {
    try {
      // From here on the reader keeps to the topic that these offsets are of.
      await deps.reader.leaders()
      const committed = await deps.offsets.committed(partitions)
      const fresh = partitions.filter((partition) => !committed.has(partition))
      const oldest = fresh.length === 0 ? [] : await deps.reader.bounds(fresh, 'earliest')
      if (failures > tellAfterFailures) deps.onWell()
      return new Map([...committed, ...oldest])
    } catch (error) {
      deps.reader.forget()
      if (failures >= tellAfterFailures) deps.onFault(error)
      await wait(deps.clock, backOffMs(failures), signal)
    }
  }
  return new Map()
}

/**
 * Where the wanted offset was trimmed away, the oldest record is next. Gives the fault that stands; its callers are in a catch
 * block already, so it never rejects: the broker may be gone that would have to tell the oldest offset.
 */
async function skipTrimmed(error: unknown, positions: Map<number, bigint>, deps: GenerationDeps): Promise<unknown> {
  try {
    for (const partition of outOfRange(error)) await fromOldest(partition, positions, deps)
    return error
  } catch (reason) {
    return reason
  }
}

async function fromOldest(partition: number, positions: Map<number, bigint>, deps: GenerationDeps): Promise<void> {
  const { topic, logger } = deps
  const oldest = (await deps.reader.bounds([partition], 'earliest')).get(partition)
  if (oldest === undefined) return
  const from = positions.get(partition) ?? oldest
  if (from < oldest) logger.warn({ topic, partition, from, to: oldest }, 'Kafka: commands were trimmed unread')
  else logger.warn({ topic, partition, from, to: oldest }, 'Kafka: the log ends before what was read; it is read anew')
  positions.set(partition, oldest)
}

interface Batch {
  readonly records: readonly TopicRecord[]
  /** Offsets to commit once they are accepted. */
  readonly next: ReadonlyMap<number, bigint>
}

/** Several partitions go together, so that their claims share a write to the disk and their offsets one commit. */
function* batchesIn(fetched: ReadonlyMap<number, FetchedPartition>): Generator<Batch> {
  let records: TopicRecord[] = []
  let next = new Map<number, bigint>()
  for (const [partition, { records: all, nextOffset }] of fetched) {
    for (const record of all) {
      records.push(record)
      next.set(partition, record.offset + 1n)
      if (records.length < batchRecordsMax) continue
      yield { records, next }
      records = []
      next = new Map()
    }
    next.set(partition, nextOffset)
  }
  if (next.size > 0) yield { records, next }
}

/** Accept, commit, proceed. False when the generation ended before: the records come again to whoever has the partition. */
async function handle(
  batch: Batch,
  generation: Generation,
  deps: GenerationDeps,
  positions: Map<number, bigint>
): Promise<boolean> {
  const { clock, closing, gate, handler, logger, topic } = deps
  const { signal } = generation
  const records = batch.records.map((record) => deps.toSource(record, generation.generationId))
  for (let failures = 1; records.length > 0; failures++) {
    await gate.pass(signal)
    if (signal.aborted) {
      // An attempt that failed may have claimed some of them.
      if (failures > 1) void awaitOtherCommit(batch, records, deps)
      return false
    }
    try {
      await handler.accept(records)
      break
    } catch (error) {
      const batchOf = { topic, where: records[0]?.where, count: records.length }
      // The stop itself ends the wait for a topic of dead letters that is missing.
      if (closing.aborted && isClosed(error))
        logger.info(batchOf, 'Kafka: stopped before a batch was accepted; it is read again')
      else logger.warn({ error, ...batchOf }, 'Kafka: a batch is not accepted yet')
      await wait(clock, backOffMs(failures), signal)
    }
  }
  if (!(await commit(batch, generation, deps))) {
    if (records.length > 0) void awaitOtherCommit(batch, records, deps)
    return false
  }
  for (const [partition, next] of batch.next) positions.set(partition, next)
  if (records.length > 0) handler.proceed(records)
  return !signal.aborted
}

/**
 * True when the broker has confirmed the commit. One that got no answer is repeated until it is confirmed or refused; when it is refused
 * after that, the committed offsets tell whether the one without an answer had arrived.
 */
async function commit(batch: Batch, generation: Generation, deps: GenerationDeps): Promise<boolean> {
  const { clock, logger, topic, offsets } = deps
  let isInDoubt = false
  // Past the end of the generation one refusal is enough, and it comes soon: only an absent coordinator keeps us here.
  for (let failures = 1; failures < 10 || !generation.signal.aborted; failures++) {
    try {
      await offsets.commit(generation, batch.next)
      if (failures > tellAfterFailures) deps.onWell()
      return true
    } catch (error) {
      if (isFenced(error)) {
        if (isInDoubt && (await isCommitted(batch, deps))) return true
        logger.info({ topic, count: batch.records.length }, 'Kafka: the partitions were lost before the commit')
        return false
      }
      isInDoubt = true
      if (failures >= tellAfterFailures) deps.onFault(error)
      logger.debug({ error, topic }, 'Kafka: a commit got no answer')
      await wait(clock, Math.min(backOffMs(failures), 1000), new AbortController().signal)
    }
  }
  return await isCommitted(batch, deps)
}

/**
 * The partitions went to another member between accept and commit. It reads the records again, finds them known, and commits
 * them; until then they could still come back, after it they cannot.
 */
async function awaitOtherCommit(
  batch: Batch,
  records: readonly SourceRecord[],
  { openOffsets, closing, clock, handler, logger, topic }: GenerationDeps
): Promise<void> {
  if (!handler.committedElsewhere) return
  const offsets = openOffsets()
  const untilMs = clock.now() + otherCommitMaxMs
  for (let tries = 1; !closing.aborted && clock.now() < untilMs; tries++) {
    await wait(clock, backOffMs(tries), closing)
    try {
      const committed = await offsets.committed([...batch.next.keys()])
      if (![...batch.next].every(([partition, next]) => (committed.get(partition) ?? -1n) >= next)) continue
      handler.committedElsewhere(records)
      break
    } catch (error) {
      logger.debug({ error, topic }, 'Kafka: the committed offsets could not be asked for')
    }
  }
  offsets.close()
}

function isClosed(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'sink_closed'
}

async function isCommitted(batch: Batch, { offsets, logger, topic }: GenerationDeps): Promise<boolean> {
  try {
    const committed = await offsets.committed([...batch.next.keys()])
    return [...batch.next].every(([partition, next]) => (committed.get(partition) ?? -1n) >= next)
  } catch (error) {
    logger.warn({ error, topic }, 'Kafka: whether a batch is committed could not be told; it is not handed over')
    return false
  }
}

async function withDeadline<T>(
  clock: Clock,
  limitMs: number,
  work: Promise<T>,
  onLate: (what: string) => void
): Promise<T> {
  const cancel = clock.after(limitMs, () => onLate('a fetch has no end'))
  try {
    return await work
  } finally {
    cancel()
  }
}
