import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { Gate } from '../../../src/adapters/kafka/gate.ts'
import { consumeGeneration, type GenerationSettings } from '../../../src/adapters/kafka/generation.ts'
import type { Generation, GroupOffsets } from '../../../src/adapters/kafka/group-offsets.ts'
import type { FetchedPartition, PartitionReader, TopicRecord } from '../../../src/adapters/kafka/partition-reader.ts'
import { GatewayError } from '../../../src/lib/gateway-error.ts'
import type { CommandHandler, SourceRecord } from '../../../src/ports/command-source.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

const broker = 1

/** Never an answer within the same turn: a test would stand still where a broker is only asked too often. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A refusal of the coordinator: the generation is over. */
const fenced = () => Object.assign(new Error('refused'), { apiId: 'ILLEGAL_GENERATION' })

/** A refusal of a fetch: the wanted offset of partition 0 is no longer there. */
const trimmed = () => {
  const response = { responses: [{ partitions: [{ partitionIndex: 0, errorCode: 1 }] }] }
  return Object.assign(new Error('refused'), { apiId: 'OFFSET_OUT_OF_RANGE', response })
}

function recordAt(offset: number): TopicRecord {
  const value = Buffer.from(`v${offset}`)
  return { partition: 0, offset: BigInt(offset), timestampMs: 0, key: Buffer.from('CP-0'), value, headers: [] }
}

/** A topic of one partition, the group's committed offset in it, and a clock that the test moves. */
function world() {
  const clock = new FakeClock()
  const logger = memoryLogger()
  const closing = new AbortController()
  const topic: TopicRecord[] = []
  const told: string[] = []
  const faults: {
    fetch: boolean
    silence?: 'no answer' | 'no records'
    oldest?: bigint
    noBounds?: boolean
    isAnother?: boolean
  } = {
    fetch: false
  }
  const fetches = { count: 0 }
  const group = { committed: 0n }
  /** What a commit does beyond being carried out; may throw. */
  const onCommit: { run: (offset: bigint) => void } = { run: (offset) => (group.committed = offset) }
  const offsets: GroupOffsets = {
    commit: async (_generation, next) => onCommit.run(next.get(0) ?? 0n),
    committed: async () => new Map([[0, group.committed]]),
    close: () => undefined
  }
  const reader: PartitionReader = {
    leaders: async () => ({ byNode: new Map([[broker, [0]]]), partitions: 1, isAnother: faults.isAnother ?? false }),
    fetch: async (_node, from) => {
      fetches.count++
      await turn()
      if (faults.fetch) throw new Error('the broker is away')
      const at = from.get(0) ?? 0n
      if (faults.oldest !== undefined && at < faults.oldest) throw trimmed()
      if (faults.silence === 'no answer') return new Promise(() => undefined)
      const records = faults.silence ? [] : topic.filter(({ offset }) => offset >= at)
      if (records.length > 0)
        return new Map<number, FetchedPartition>([[0, { records, nextOffset: at + BigInt(records.length) }]])
      // As the broker: an answer without records comes late.
      await new Promise<void>((resolve) => void clock.after(1000, resolve))
      return new Map()
    },
    bounds: async (_partitions, which) => {
      if (faults.noBounds) throw new Error('the broker is away')
      return new Map([[0, which === 'earliest' ? (faults.oldest ?? 0n) : BigInt(topic.length)]])
    },
    forget: () => undefined,
    close: () => undefined
  }
  const settings = (handler: CommandHandler): GenerationSettings => ({
    offsets,
    openOffsets: () => offsets,
    closing: closing.signal,
    openReader: () => reader,
    gate: new Gate(),
    handler,
    toSource: ({ offset, value, timestampMs }, generation): SourceRecord => ({
      key: 'CP-0',
      value: Buffer.from(value ?? []).toString(),
      timestampMs,
      where: `commands/0@${offset}`,
      generation
    }),
    topic: 'commands',
    clock,
    logger,
    onFault: () => told.push('fault'),
    onWell: () => told.push('well'),
    onSilence: (what) => told.push(what),
    silentMs: 60_000
  })
  /** Lets promises and timers run until it holds. */
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    for (let turns = 0; !holds(); turns++) {
      ok(turns < 8000, `it did not come about: ${what}`)
      await turn()
      clock.advance(50)
    }
  }
  const begin = (generationId: number, handler: CommandHandler) => {
    const over = new AbortController()
    const generation: Generation = { memberId: 'm', generationId, partitions: [0], signal: over.signal }
    const done = consumeGeneration(generation, settings(handler))
    let isDone = false
    // A rejection that nobody hears ends a test as it ends the process.
    void done.finally(() => {
      isDone = true
    })
    return { over, ended: () => until('the generation ends', () => isDone) }
  }
  return { topic, told, faults, fetches, clock, logger, group, onCommit, closing, until, begin }
}

function recorder(onAccept: (attempt: number) => void = () => undefined) {
  const seen: string[] = []
  let attempts = 0
  const note = (what: string) => (records: readonly SourceRecord[]) =>
    void seen.push(`${what} ${records.map(({ value }) => value).join(' ')}`)
  const handler: CommandHandler = {
    async accept(records) {
      note('accept')(records)
      onAccept(++attempts)
    },
    proceed: note('proceed'),
    committedElsewhere: note('elsewhere')
  }
  return { handler, seen }
}

// Found by the chaos run: an accept that fails may have claimed some of its records. The generation ended before the next attempt,
// the new member found them claimed and left them alone, and nobody sent them.
test('records of a failed accept are told of when another member commits them', async () => {
  const { topic, group, closing, until, begin } = world()
  topic.push(recordAt(0), recordAt(1))
  const { handler, seen } = recorder(() => {
    throw new Error('the registry is away')
  })
  const first = begin(1, handler)
  await until('it was offered', () => seen.length > 0)
  first.over.abort()
  await first.ended()
  const offered = seen.length
  ok(!seen.some((line) => line.startsWith('elsewhere')), 'nobody has committed them yet')
  group.committed = 2n
  await until('they are told of', () => seen.length > offered)
  deepStrictEqual(seen.slice(offered), ['elsewhere v0 v1'])
  closing.abort()
})

test('a batch whose commit is refused does not proceed, and is told of when another member has committed it', async () => {
  const { topic, group, closing, until, begin, onCommit } = world()
  topic.push(recordAt(0))
  const { handler, seen } = recorder()
  let commits = 0
  onCommit.run = () => {
    commits++
    throw fenced()
  }
  const first = begin(1, handler)
  await until('the commit was refused', () => commits > 0)
  first.over.abort()
  await first.ended()
  deepStrictEqual(seen.slice(0, 1), ['accept v0'])
  ok(!seen.includes('proceed v0'))
  const before = seen.length
  group.committed = 1n
  await until('the other member has committed it', () => seen.length > before)
  deepStrictEqual([...new Set(seen)], ['accept v0', 'elsewhere v0'])
  closing.abort()
})

// It asked the brokers again and again, and opened a connection each time to see who commits instead.
test('a member whose commits are refused does not read the same records again without a pause', async () => {
  const { topic, closing, until, begin, onCommit, fetches, clock } = world()
  topic.push(recordAt(0))
  onCommit.run = () => {
    throw fenced()
  }
  const startedMs = clock.now()
  const first = begin(1, recorder().handler)
  await until('half a minute passes', () => clock.now() - startedMs > 30_000)
  ok(fetches.count > 3 && fetches.count < 20, `${fetches.count} fetches`)
  closing.abort()
  first.over.abort()
  await first.ended()
})

// Found by the chaos run: a gateway that was cut off from the brokers said for good that its commands are down while it read
// them. The fault was of a generation that ended with it; the next one counted its failures from nothing.
test('a new generation that reads takes back what an earlier one said was wrong', async () => {
  const { faults, told, until, begin } = world()
  const { handler } = recorder()
  faults.fetch = true
  const first = begin(1, handler)
  await until('the fault is told', () => told.includes('fault'))
  first.over.abort()
  await first.ended()
  faults.fetch = false
  const second = begin(2, handler)
  await until('it is taken back', () => told.at(-1) === 'well')
  second.over.abort()
  await second.ended()
})

test('a commit without an answer that had arrived proceeds, also when the generation is over', async () => {
  const { topic, group, closing, until, begin, onCommit } = world()
  topic.push(recordAt(0))
  const { handler, seen } = recorder()
  let commits = 0
  onCommit.run = (offset) => {
    commits++
    if (commits > 1) throw fenced()
    group.committed = offset
    throw new Error('the connection broke')
  }
  const first = begin(1, handler)
  await until('it proceeds', () => seen.includes('proceed v0'))
  deepStrictEqual(seen, ['accept v0', 'proceed v0'])
  strictEqual(commits, 2)
  closing.abort()
  first.over.abort()
  await first.ended()
})

test('a fetch that has no end, and records that are not read, have the consumer made anew', async () => {
  const sayings = {
    'no answer': 'a fetch has no end',
    'no records': 'records wait in partition 0 and none is read'
  } as const
  for (const silence of ['no answer', 'no records'] as const) {
    const { topic, faults, told, clock, until, begin } = world()
    topic.push(recordAt(0))
    faults.silence = silence
    const { over } = begin(1, recorder().handler)
    const startedMs = clock.now()
    await until('the silence is noticed', () => told.includes(sayings[silence]))
    ok(clock.now() - startedMs >= 59_000, 'not before a minute')
    over.abort()
  }
})

test('a topic that was deleted and made anew has the consumer made anew', async () => {
  const { told, faults, until, begin } = world()
  const run = begin(1, recorder().handler)
  await until('it reads', () => told.includes('well'))
  faults.isAnother = true
  await until('it is said', () => told.includes('the topic was deleted and made anew'))
  run.over.abort()
  await run.ended()
})

test('an empty topic, and a batch that is being accepted for long, are no silence', async () => {
  const { topic, told, clock, closing, until, begin } = world()
  const held = Promise.withResolvers<void>()
  const { over } = begin(1, { accept: () => held.promise, proceed: () => undefined })
  const startedMs = clock.now()
  await until('two minutes without records', () => clock.now() - startedMs > 120_000)
  topic.push(recordAt(0), recordAt(1))
  await until('two minutes in accept', () => clock.now() - startedMs > 240_000)
  deepStrictEqual([...new Set(told)], ['well'])
  closing.abort()
  over.abort()
  held.resolve()
})

// The question for the oldest offset was asked within a catch block, and its failure ended the process.
test('a fetch of what was trimmed, while no broker tells the oldest offset, is tried again until one does', async () => {
  const { topic, faults, told, fetches, until, begin } = world()
  topic.push(recordAt(0), recordAt(1), recordAt(2))
  faults.oldest = 2n
  faults.noBounds = true
  const { handler, seen } = recorder()
  const first = begin(1, handler)
  await until('the fault is told', () => told.includes('fault'))
  ok(fetches.count >= 3 && fetches.count < 6, `${fetches.count} fetches`)
  faults.noBounds = false
  await until('what is left proceeds', () => seen.includes('proceed v2'))
  deepStrictEqual(seen, ['accept v2', 'proceed v2'])
  faults.noBounds = true
  first.over.abort()
  await first.ended()
})

test('a generation that ends while the oldest offset is asked for ends without a word', async () => {
  const { topic, faults, fetches, told, until, begin } = world()
  topic.push(recordAt(0))
  faults.oldest = 1n
  faults.noBounds = true
  const first = begin(1, recorder().handler)
  await until('it was refused', () => fetches.count > 0)
  first.over.abort()
  await first.ended()
  deepStrictEqual(told, [])
})

// It was a warning with a stack, of a record that is not lost.
test('a stop while a dead letter waits for its topic is one line without an error; another fault then is still told', async () => {
  for (const code of ['sink_closed', 'registry_unavailable'] as const) {
    const { topic, logger, closing, until, begin } = world()
    topic.push(recordAt(0))
    const stopped = Promise.withResolvers<void>()
    let offered = false
    const accept = () => {
      offered = true
      return stopped.promise
    }
    const first = begin(1, { accept, proceed: () => undefined })
    await until('it is offered', () => offered)
    closing.abort()
    stopped.reject(new GatewayError(code, 'said so'))
    const told = () => logger.lines.filter(({ level }) => level === 'info' || level === 'warn')
    await until('it is told', () => told().length > 0)
    first.over.abort()
    await first.ended()
    const lines = told().map(({ level, fields, message }) => [level, 'error' in fields, message])
    const left = ['info', false, 'Kafka: stopped before a batch was accepted; it is read again']
    deepStrictEqual(lines, code === 'sink_closed' ? [left] : [['warn', true, 'Kafka: a batch is not accepted yet']])
  }
})
