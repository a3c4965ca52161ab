import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Consumer, Producer } from '@platformatic/kafka'
import { createKafkaCommandSource } from '../../src/adapters/kafka/command-source.ts'
import { createKafkaEventSink } from '../../src/adapters/kafka/event-sink.ts'
import { inspectKafka } from '../../src/adapters/kafka/inspect.ts'
import { inspectKafka as inspectConfigured } from '../../src/app/inspect-kafka.ts'
import { busSettings, createTopics, kafkaConnection } from '../../src/app/outside-settings.ts'
import type { Machine, Outside } from '../../src/cli/doctor/finding.ts'
import { kafka as kafkaFindings } from '../../src/cli/doctor/kafka.ts'
import type { Config } from '../../src/config/schema.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import type { SourceRecord } from '../../src/ports/command-source.ts'
import { RecordingHandler } from '../contract/command-source.ts'
import { configOf } from '../support/gateway-in-process.ts'
import { committedOffsets, countRecords, readTopic, until, withAdmin } from '../support/kafka-records.ts'
import { memoryLogger } from '../support/memory-logger.ts'
import { withKafka } from '../support/services.ts'
import { putCommands, source } from './kafka-source-world.ts'

const quickFailover = { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' }
const partitions = 4

function outsideOf(config: Config): Outside {
  const none = async () => ({ problem: 'not asked', remedy: '' })
  return { kafka: () => inspectConfigured(config), redis: none }
}

/** What has gone on: also what was committed, and told of only after the generation that did it was over. */
function goneOn(handlers: readonly RecordingHandler[]): SourceRecord[] {
  const proceeded = handlers.flatMap((handler) => handler.proceeded)
  const known = new Set(proceeded.map(({ where }) => where))
  const late = new Map(handlers.flatMap(({ elsewhere }) => elsewhere).map((record) => [record.where, record]))
  return [...proceeded, ...[...late.values()].filter(({ where }) => !known.has(where))]
}

/** Every record in the order of its partition; again only as a run that starts at the last commit. */
function checkPerPartition(handlers: readonly RecordingHandler[], counts: readonly number[]): void {
  const all = goneOn(handlers)
  for (const [partition, count] of counts.entries()) {
    const values = all.filter(({ key }) => key === `CP-${partition}`).map(({ value }) => Number(value))
    deepStrictEqual(
      [...new Set(values)].sort((a, b) => a - b),
      Array.from({ length: count }, (_, n) => n),
      `CP-${partition}`
    )
    strictEqual(values.length, count, `CP-${partition}: nothing proceeds twice`)
  }
}

describe('three brokers', () => {
  const topics = Object.fromEntries(['moved', 'gone', 'stalled'].map((name) => [name, { partitions }]))
  const kafka = withKafka({ brokers: 3, topics, properties: quickFailover })
  const connection = () => ({ brokers: kafka().addresses(), clientId: 'faults' })

  /** A backend that puts a numbered command into each partition again and again. */
  const backend = (topic: string) => {
    const producer = new Producer({
      clientId: 'backend',
      bootstrapBrokers: kafka().addresses(),
      idempotent: true,
      requestTimeout: 5000
    })
    const counts = Array.from({ length: partitions }, () => 0)
    let running = true
    const loops = counts.map(async (_, partition) => {
      while (running) {
        const value = Buffer.from(String(counts[partition]))
        await producer.send({ messages: [{ topic, partition, key: Buffer.from(`CP-${partition}`), value }] })
        counts[partition] = (counts[partition] ?? 0) + 1
      }
    })
    return {
      counts,
      end: async () => {
        running = false
        await Promise.all(loops)
        await producer.close()
      }
    }
  }

  const run = async (topic: string, fault: () => Promise<void>) => {
    const consumers = [source({ connection: connection(), topic }), source({ connection: connection(), topic })]
    for (const consumer of consumers) await consumer.source.start(consumer.handler)
    const handlers = consumers.map(({ handler }) => handler)
    const proceeded = () => goneOn(handlers).length
    const commands = backend(topic)
    await until('both consume', () => handlers.every((handler) => handler.proceeded.length > 20), 60_000)
    await fault()
    const before = proceeded()
    await until('commands flow again', () => proceeded() > before + 200, 90_000)
    await commands.end()
    const total = commands.counts.reduce((sum, count) => sum + count, 0)
    await until('all have proceeded', () => proceeded() >= total, 60_000)
    checkPerPartition(handlers, commands.counts)
    strictEqual(await countRecords(kafka().addresses(), topic), total)
    const committed = await committedOffsets(kafka().addresses(), `group-of-${topic}`, topic)
    strictEqual(
      [...committed.values()].reduce((a, b) => a + b, 0),
      total
    )
    await Promise.all(consumers.map((consumer) => consumer.source.close()))
  }

  test('the kill of the coordinator of the group loses no command and hands none over twice', async () => {
    await run('moved', async () => {
      const text = await kafka().tool(
        'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
        ...['--describe', '--state', '--group', 'group-of-moved']
      )
      const index = kafka()
        .addresses()
        .findIndex((address) => text.includes(address))
      ok(index >= 0, text)
      await kafka().kill(index)
      await kafka().start(index)
    })
  })

  test('all brokers down and back lose no command and hand none over twice', async () => {
    await run('gone', async () => {
      await kafka().killAll()
      await kafka().startAll()
    })
  })

  test('a broker that hangs loses no command and hands none over twice', async () => {
    await run('stalled', async () => {
      await kafka().pause(1)
      const endMs = Date.now() + (process.env.CHAOS === '1' ? 20_000 : 8000)
      await until('it has hung long enough', () => Date.now() > endMs)
      await kafka().resume(1)
    })
  })
})

describe('one broker', () => {
  const user = { name: 'gateway', password: 'right' }
  const kafka = withKafka({
    listeners: [{ name: 'secure', protocol: 'SASL_SSL' }],
    users: [user],
    acls: true,
    topics: { inspected: { partitions: 3, config: { 'retention.ms': '3600000', 'max.message.bytes': '200000' } } }
  })
  const connection = () => ({ brokers: kafka().addresses(), clientId: 'faults' })
  const asUser = () => ({
    brokers: kafka().addresses('secure'),
    clientId: 'faults',
    tls: { ca: readFileSync(kafka().certificates?.ca ?? '', 'utf8') },
    sasl: { mechanism: 'SCRAM-SHA-512' as const, username: user.name, password: user.password }
  })
  const put = (topic: string, ...values: readonly string[]) => putCommands(kafka(), topic, ...values)

  test('the topics that a gateway makes are as its doctor wants them', async () => {
    const config = configOf({
      'kafka.brokers': kafka().addresses().join(','),
      'kafka.create_topics': 'true',
      'kafka.partitions': '2',
      'kafka.replication_factor': '1'
    })
    const base = { clock: createSystemClock(), logger: memoryLogger(), connection: kafkaConnection(config) }
    const bus = busSettings(config)
    const sink = createKafkaEventSink({ ...base, ...createTopics(config), ...bus.sink })
    const commands = createKafkaCommandSource({ ...base, ...createTopics(config), ...bus.source })
    await sink.open()
    await commands.start(new RecordingHandler())
    await until('both are made', () => commands.state().kind === 'up')
    const large = 'x'.repeat(1.9 * 1024 ** 2)
    ok(sink.recordBytesMax > large.length)
    await sink.send(0, [{ key: 'CP-1', value: large, headers: {} }])
    const [read] = await readTopic(kafka().addresses(), config.kafka.eventsTopic)
    strictEqual(read?.value.length, large.length)
    await Promise.all([sink.close(), commands.close()])
    const examined = { config, isSet: () => false, machine: {} as Machine, outside: outsideOf(config) }
    const findings = await kafkaFindings(examined)
    for (const check of ['events_topic', 'events_topic_size', 'commands_topic', 'commands_topic_retention']) {
      const finding = findings.find((one) => one.check === check)
      strictEqual(finding?.state, 'ok', JSON.stringify(finding))
    }
  })

  test('a missing topic of commands is said, and consumed from its oldest record once it is there', async () => {
    const { source: commands, handler } = source({ connection: connection(), topic: 'late-commands' })
    await commands.start(handler)
    await until('the state tells', () => commands.state().kind === 'misconfigured')
    match(commands.state().detail ?? '', /"late-commands" does not exist/)
    await kafka().createTopic('late-commands', { partitions: 1 })
    await put('late-commands', 'first')
    await until('it came', () => handler.proceeded.length === 1)
    strictEqual(commands.state().kind, 'up')
    await commands.close()
  })

  test('a topic of commands that it creates keeps them no longer than they are remembered, the dead letters as brokers do', async () => {
    const { source: commands, handler } = source({
      connection: connection(),
      topic: 'made',
      createTopics: { partitions: 2, replicationFactor: 1 },
      times: { retentionMs: 7_200_000, segmentMs: 1_800_000 }
    })
    handler.onAccept = (records) => commands.deadLetter(records[0] as (typeof records)[number], 'no JSON')
    await commands.start(handler)
    await until('it is made', () => commands.state().kind === 'up')
    await put('made', '{')
    await until('the dead letter is there', () => handler.proceeded.length === 1)
    const facts = await inspectKafka({ connection: connection(), topics: ['made', 'made-dead'], group: 'doctor' })
    const kept = [...facts.topics.values()].map(({ name, partitions: count, retentionMs, segmentMs }) => [
      name,
      count,
      retentionMs,
      segmentMs
    ])
    deepStrictEqual(kept.toSorted(), [
      ['made', 2, 7_200_000, 1_800_000],
      ['made-dead', 2, 604_800_000, 604_800_000]
    ])
    await commands.close()
  })

  test('without a topic for dead letters the batch waits and the state says why; nothing is lost', async () => {
    await kafka().createTopic('letters', { partitions: 1 })
    const { source: commands, handler } = source({ connection: connection(), topic: 'letters' })
    handler.onAccept = (records) => commands.deadLetter(records[0] as (typeof records)[number], 'no JSON')
    await commands.start(handler)
    await put('letters', '{')
    await until('the state tells', () => commands.state().kind === 'misconfigured')
    match(commands.state().detail ?? '', /"letters-dead" does not exist/)
    strictEqual(handler.proceeded.length, 0)
    await kafka().createTopic('letters-dead', { partitions: 1 })
    await until('it was put aside', () => handler.proceeded.length === 1)
    deepStrictEqual(
      (await readTopic(kafka().addresses(), 'letters-dead')).map(({ value }) => value),
      ['{']
    )
    strictEqual(commands.state().kind, 'up')
    await commands.close()
  })

  // It was cut by one byte more at each redelivery, and its partition stood for ever.
  test('a dead letter that is too large for a topic whose settings the user may not ask for is cut until it fits', async () => {
    await kafka().createTopic('narrow', { partitions: 1 })
    await kafka().createTopic('narrow-dead', { partitions: 1, config: { 'max.message.bytes': '20000' } })
    const operations = ['Read', 'Write', 'Describe'].flatMap((operation) => ['--operation', operation])
    await kafka().tool(
      'org.apache.kafka.tools.AclCommand',
      ...['--add', '--allow-principal', `User:${user.name}`, ...operations],
      ...['--topic', 'narrow', '--resource-pattern-type', 'prefixed']
    )
    await kafka().tool(
      'org.apache.kafka.tools.AclCommand',
      ...['--add', '--allow-principal', `User:${user.name}`, '--operation', 'Read', '--group', 'group-of-narrow']
    )
    const { source: commands, handler } = source({ connection: asUser(), topic: 'narrow' })
    handler.onAccept = (records) => commands.deadLetter(records[0] as (typeof records)[number], 'no JSON')
    await commands.start(handler)
    const sent = `{${'x'.repeat(600_000)}`
    await put('narrow', sent)
    await until('it was put aside', () => handler.proceeded.length === 1)
    const [letter] = await readTopic(kafka().addresses(), 'narrow-dead')
    ok(letter && letter.value.length > 4000 && sent.startsWith(letter.value), `${letter?.value.length}`)
    strictEqual(letter.headers.dead_letter_cut_from_bytes, '600001')
    await commands.close()
  })

  // The stop waited for the join, which waits for every member of the group: also for one that was killed.
  test('a close in a join that waits for a killed member waits for neither', async (t) => {
    await kafka().createTopic('joined', { partitions: 2 })
    const timing = { sessionTimeout: 60_000, rebalanceTimeout: 60_000, heartbeatInterval: 50_000 }
    const killed = new Consumer({
      clientId: 'killed',
      bootstrapBrokers: kafka().addresses(),
      groupId: 'group-of-joined'
    })
    t.after(() => killed.close(true))
    killed.topics.track('joined')
    await killed.joinGroup(timing)
    const { source: commands, handler, logger } = source({ connection: connection(), topic: 'joined' })
    await commands.start(handler)
    await until('the group waits for it', () =>
      withAdmin(kafka().addresses(), async (admin) => {
        const groups = await admin.describeGroups({ groups: ['group-of-joined'] })
        return groups.get('group-of-joined')?.state === 'PreparingRebalance'
      })
    )
    const beganMs = Date.now()
    await commands.close()
    const tookMs = Date.now() - beganMs
    ok(tookMs < 8000, `${tookMs} ms`)
    ok(!logger.lines.some(({ message }) => /assigned/.test(message)), 'it takes no part any more')
  })

  test('the doctor is told of brokers, topics, their settings and what the user lacks', async () => {
    const facts = await inspectKafka({
      connection: { ...connection(), brokers: [...kafka().addresses(), '127.0.0.1:1'] },
      topics: ['inspected', 'missing'],
      group: 'doctor'
    })
    deepStrictEqual(
      facts.brokers.map(({ address, reachable }) => [address, reachable]),
      [
        [kafka().addresses()[0], true],
        ['127.0.0.1:1', false]
      ]
    )
    deepStrictEqual(
      [...facts.topics.values()],
      [
        {
          name: 'inspected',
          partitions: 3,
          replicationFactor: 1,
          minInsyncReplicas: 1,
          retentionMs: 3_600_000,
          segmentMs: 604_800_000,
          recordBytesMax: 200_000,
          cleanupPolicy: 'delete',
          mayRead: true,
          mayWrite: true
        }
      ]
    )
    strictEqual(facts.groupProblem, undefined)
    const stranger = await inspectKafka({ connection: asUser(), topics: ['inspected'], group: 'doctor' })
    deepStrictEqual([stranger.topics.size, ...stranger.denied], [0, 'inspected'])
    match(stranger.groupProblem ?? '', /consumer group/)
    const wrong = { ...asUser(), sasl: { ...asUser().sasl, password: 'wrong' } }
    match((await inspectKafka({ connection: wrong, topics: ['inspected'], group: 'doctor' })).problem ?? '', /password/)
  })
})
