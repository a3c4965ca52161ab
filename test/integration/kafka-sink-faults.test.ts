import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { createKafkaEventSink, type KafkaEventSinkOptions } from '../../src/adapters/kafka/event-sink.ts'
import { kafkaConnection } from '../../src/app/outside-settings.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import type { EventSink, SinkState } from '../../src/ports/event-sink.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { configOf, type Flags } from '../support/gateway-in-process.ts'
import { readTopic, until } from '../support/kafka-records.ts'
import { NumberedStream } from '../support/kafka-stream.ts'
import { memoryLogger } from '../support/memory-logger.ts'
import { withKafka } from '../support/services.ts'

/** `npm run chaos` takes the times of the real world; here they are as short as shows the same. */
const isLong = process.env.CHAOS === '1'
const quickFailover = { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' }

function open(changed: Partial<KafkaEventSinkOptions> & Pick<KafkaEventSinkOptions, 'connection' | 'topic'>) {
  const states: SinkState[] = []
  const logger = memoryLogger()
  const sink = createKafkaEventSink({
    compression: 'none',
    clock: createSystemClock(),
    logger,
    onState: (state) => states.push(state),
    ...changed
  })
  return { sink, states, logger }
}

async function sends(sink: EventSink, value: string): Promise<void> {
  await sink.send(0, [{ key: 'CP-1', value, headers: { ce_id: value } }])
}

describe('three brokers', () => {
  const topics = Object.fromEntries(['killed', 'away', 'hung', 'dead-one'].map((name) => [name, { partitions: 6 }]))
  const kafka = withKafka({ brokers: 3, topics, properties: isLong ? {} : quickFailover })
  const connection = () => ({ brokers: kafka().addresses(), clientId: 'faults' })

  const streaming = async (topic: string) => {
    const { sink, states } = open({ connection: connection(), topic })
    await sink.open()
    const stream = new NumberedStream(sink)
    const moves = (count: number) => {
      const marks = stream.acked.map((acked) => acked + count)
      return until(
        `${topic}: every partition is acknowledged`,
        () => stream.acked.every((n, at) => n >= (marks[at] ?? 0)),
        90_000
      )
    }
    await moves(1)
    return { sink, states, stream, moves }
  }

  test('the kill of a leader loses nothing, doubles nothing and keeps the order', async () => {
    const { sink, stream, moves } = await streaming('killed')
    await kafka().kill(1)
    await moves(200)
    await kafka().start(1)
    await moves(200)
    await stream.end()
    await stream.check(kafka(), 'killed')
    strictEqual(stream.repeats, 0)
    await sink.close()
  })

  test('all brokers down and back: the state says so, and the rest follows', async () => {
    const { sink, states, stream, moves } = await streaming('away')
    await kafka().killAll()
    await until('the state is down', () => sink.state().kind === 'down')
    for (const address of kafka().addresses())
      ok((sink.state().detail ?? '').includes(address), sink.state().detail ?? '')
    match(sink.state().detail ?? '', /went away/, 'no setting that worked is blamed')
    await kafka().startAll()
    await moves(200)
    await until('the state is up', () => sink.state().kind === 'up')
    await stream.end()
    await stream.check(kafka(), 'away')
    strictEqual(stream.repeats, 0)
    deepStrictEqual(
      states.map(({ kind }) => kind).filter((kind, n, all) => kind !== all[n - 1]),
      ['up', 'down', 'up']
    )
    await sink.close()
  })

  test('a broker that hangs loses nothing, doubles nothing and keeps the order', async () => {
    const { sink, stream, moves } = await streaming('hung')
    await kafka().pause(2)
    await moves(isLong ? 2000 : 100)
    const endMs = Date.now() + (isLong ? 20_000 : 0)
    await until('it has hung long enough', () => Date.now() >= endMs, 30_000)
    await kafka().resume(2)
    await moves(200)
    await stream.end()
    await stream.check(kafka(), 'hung')
    strictEqual(stream.repeats, 0)
    await sink.close()
  })

  test('one broker of the list that is dead, and one that never was, hold up nothing', async () => {
    await kafka().kill(0)
    const { sink } = open({
      connection: { clientId: 'faults', brokers: ['127.0.0.1:1', ...kafka().addresses()] },
      topic: 'dead-one'
    })
    await sink.open()
    for (let partition = 0; partition < 6; partition++)
      await sink.send(partition, [{ key: 'CP-1', value: 'v', headers: {} }])
    strictEqual(sink.state().kind, 'up')
    await sink.close()
    await kafka().start(0)
  })
})

describe('one broker', () => {
  const kafka = withKafka({
    listeners: [{ name: 'mutual', protocol: 'SSL', clientCertificates: true }],
    topics: { plain: { partitions: 2 }, mutual: { partitions: 1 } }
  })
  const connection = () => ({ brokers: kafka().addresses(), clientId: 'faults' })

  // Known failure B9: a producer for each message, kept for ever.
  test('many sends to all partitions go through one producer (B9)', async (t) => {
    const made: string[] = []
    const note = (message: unknown) => made.push((message as { readonly type: string }).type)
    subscribe('plt:kafka:instances', note)
    t.after(() => unsubscribe('plt:kafka:instances', note))
    const { sink } = open({ connection: connection(), topic: 'plain' })
    t.after(() => sink.close())
    await sink.open()
    for (let n = 0; n < 100; n++)
      await Promise.all([0, 1].map((partition) => sink.send(partition, [{ key: 'CP-1', value: 'v', headers: {} }])))
    strictEqual(made.filter((type) => type === 'producer').length, 1)
  })

  test('brokers that want a certificate take events from who shows one that they know, and nobody else', async (t) => {
    const { ca = '', clientCertificate = '', clientKey = '' } = kafka().certificates ?? {}
    const brokers = kafka().addresses('mutual').join(',')
    const flags = { 'kafka.brokers': brokers, 'kafka.tls': 'true', 'kafka.tls_ca_file': ca }
    const login = { 'kafka.tls_cert_file': clientCertificate, 'kafka.tls_key_file': clientKey }
    const opened = (wanted: Flags) => {
      const { sink } = open({ connection: kafkaConnection(configOf(wanted)), topic: 'mutual' })
      t.after(() => sink.close())
      sink.open().catch((error: unknown) => match(String(error), /closed/))
      return sink
    }
    const stranger = opened(flags)
    await until('who shows none is refused', () => stranger.state().kind === 'down')
    match(stranger.state().detail ?? '', /one that wants a certificate: see .*kafka\.tls_cert_file/)
    const known = opened({ ...flags, ...login })
    await until('who shows one is let in', () => known.state().kind === 'up')
    await sends(known, 'shown')
    const read = await readTopic(kafka().addresses(), 'mutual')
    deepStrictEqual(
      read.map(({ value }) => value),
      ['shown']
    )
  })

  test('a missing topic is said with what to do, and found when it is there', async () => {
    const { sink } = open({ connection: connection(), topic: 'late' })
    const opening = sink.open()
    await until('the state tells', () => sink.state().kind === 'misconfigured')
    match(sink.state().detail ?? '', /"late" does not exist.*partitions.*kafka\.create_topics/)
    await kafka().createTopic('late', { partitions: 4 })
    await opening
    strictEqual(sink.partitions, 4)
    strictEqual(sink.state().kind, 'up')
    await sink.close()
  })

  test('a missing topic is created when that is wished, and one copy is warned about once', async () => {
    const { sink, logger } = open({
      connection: connection(),
      topic: 'created',
      createTopics: { partitions: 3, replicationFactor: 1 }
    })
    await sink.open()
    strictEqual(sink.partitions, 3)
    await sink.restart()
    strictEqual(logger.lines.filter(({ message }) => /once only/.test(message)).length, 1)
    await sink.close()
    const { sink: greedy } = open({
      connection: connection(),
      topic: 'created-thrice',
      createTopics: { partitions: 3, replicationFactor: 3 }
    })
    const opening = rejects(greedy.open(), { code: 'sink_closed' })
    await until('the state tells', () => greedy.state().kind === 'misconfigured')
    match(greedy.state().detail ?? '', /3 replicas: there are fewer brokers/)
    await greedy.close()
    await opening
  })

  test('a wrong address is said with what was tried', async () => {
    const { sink } = open({
      connection: { brokers: ['127.0.0.1:1', '127.0.0.1:2'], clientId: 'faults' },
      topic: 'plain'
    })
    const opening = rejects(sink.open(), { code: 'sink_closed' })
    await until('the state tells', () => sink.state().kind === 'down')
    match(sink.state().detail ?? '', /tried 127\.0\.0\.1:1, 127\.0\.0\.1:2 \(.*ECONNREFUSED/)
    await sink.close()
    await opening
  })

  test('a limit that is lowered under a running sink refuses a record, and the next sends fit', async () => {
    await kafka().createTopic('shrinking', { partitions: 2 })
    const { sink } = open({ connection: connection(), topic: 'shrinking' })
    await sink.open()
    await sends(sink, 'small')
    const config = ['--entity-type', 'topics', '--entity-name', 'shrinking', '--add-config', 'max.message.bytes=20000']
    await kafka().tool('kafka.admin.ConfigCommand', '--alter', ...config)
    const large = { key: 'CP-1', value: 'x'.repeat(50_000), headers: {} }
    await rejects(sink.send(0, [large]), { code: 'record_too_large' })
    await sends(sink, 'after')
    ok(sink.recordBytesMax < 20_000)
    const many = Array.from({ length: 20 }, (_, n) => ({ key: 'CP-1', value: `${n} ${'y'.repeat(5000)}`, headers: {} }))
    await sink.send(1, many)
    const read = await readTopic(kafka().addresses(), 'shrinking')
    deepStrictEqual(
      read.filter(({ partition }) => partition === 0).map(({ value }) => value),
      ['small', 'after']
    )
    deepStrictEqual(
      read.filter(({ partition }) => partition === 1).map(({ value }) => value),
      many.map(({ value }) => value)
    )
    await sink.close()
  })

  // It was read when a producer was made and never again: events went as stubs until somebody restarted the gateway.
  test('a limit that is raised again under a stream that runs is used within a minute', async (t) => {
    await kafka().createTopic('widening', { partitions: 2 })
    const clock = new FakeClock()
    const { sink } = open({ connection: connection(), topic: 'widening', clock })
    t.after(() => sink.close())
    await sink.open()
    const alter = (...change: readonly string[]) => {
      const topic = ['--entity-type', 'topics', '--entity-name', 'widening']
      return kafka().tool('kafka.admin.ConfigCommand', '--alter', ...topic, ...change)
    }
    await alter('--add-config', 'max.message.bytes=20000')
    const large = { key: 'CP-1', value: 'x'.repeat(50_000), headers: {} }
    await rejects(sink.send(0, [large]), { code: 'record_too_large' })
    const stream = new NumberedStream(sink)
    await alter('--delete-config', 'max.message.bytes')
    const startedMs = clock.now()
    await until('the sink takes as much as before', () => {
      clock.advance(1000)
      return sink.recordBytesMax > 50_000
    })
    ok(clock.now() - startedMs >= 60_000, 'the brokers are asked once a minute')
    await stream.end()
    await sink.send(0, [large])
    const read = await readTopic(kafka().addresses(), 'widening')
    ok(read.some(({ value }) => value === large.value))
  })

  test('a topic that is compacted is warned about once, with what that loses and what to set', async (t) => {
    await kafka().createTopic('compacted', { partitions: 1, config: { 'cleanup.policy': 'compact' } })
    const { sink, logger } = open({ connection: connection(), topic: 'compacted' })
    t.after(() => sink.close())
    await sink.open()
    await sink.restart()
    const told = logger.lines.filter(({ message }) => /compacts the topic "compacted".*cleanup\.policy/.test(message))
    deepStrictEqual(
      told.map(({ level, fields }) => [level, fields.cleanupPolicy]),
      [['warn', 'compact']]
    )
  })

  test('partitions that are added are used after a restart, not before', async () => {
    await kafka().createTopic('growing', { partitions: 2 })
    const { sink, logger } = open({ connection: connection(), topic: 'growing' })
    await sink.open()
    await kafka().tool('org.apache.kafka.tools.TopicCommand', '--alter', '--topic', 'growing', '--partitions', '5')
    await until('it was noticed', async () => {
      await sends(sink, 'v')
      return logger.lines.some(({ message }) => /added partitions/.test(message))
    })
    strictEqual(sink.partitions, 2)
    await sink.restart()
    strictEqual(sink.partitions, 5)
    await sink.close()
  })
})

describe('SCRAM over TLS, with rights', () => {
  const user = { name: 'gateway', password: 'right' }
  const kafka = withKafka({
    listeners: [{ name: 'secure', protocol: 'SASL_SSL' }],
    users: [user],
    acls: true,
    topics: { secured: { partitions: 2 } }
  })
  const secure = (password: string) => ({
    brokers: kafka().addresses('secure'),
    clientId: 'faults',
    sasl: { mechanism: 'SCRAM-SHA-512' as const, username: user.name, password },
    tls: { ca: ca() }
  })
  const ca = () => readFileSync(kafka().certificates?.ca ?? '', 'utf8')
  const acl = (change: '--add' | '--remove') =>
    kafka().tool(
      'org.apache.kafka.tools.AclCommand',
      ...[change, ...(change === '--remove' ? ['--force'] : []), '--allow-principal', `User:${user.name}`],
      ...['--operation', 'Write', '--operation', 'Describe', '--topic', 'secured']
    )

  test('a wrong password, an unknown certificate, plain text to TLS: each is named; rights are waited for', async () => {
    const says = async (connection: KafkaEventSinkOptions['connection'], kind: SinkState['kind'], text: RegExp) => {
      const { sink } = open({ connection, topic: 'secured' })
      const opening = rejects(sink.open(), { code: 'sink_closed' })
      await until(`the state says ${text}`, () => text.test(sink.state().detail ?? ''))
      strictEqual(sink.state().kind, kind)
      await sink.close()
      await opening
    }
    await says(secure('wrong'), 'misconfigured', /user name or password of "gateway"/)
    await says({ ...secure('right'), tls: {} }, 'misconfigured', /certificate of Kafka is not trusted/)
    const { tls: _, ...plain } = secure('right')
    await says(plain, 'down', /wants TLS/)
    await says(
      { ...secure('right'), sasl: { ...secure('right').sasl, mechanism: 'SCRAM-SHA-256' } },
      'misconfigured',
      /does not offer SCRAM-SHA-256/
    )
    const named = kafka()
      .addresses('secure')
      .map((address) => address.replace('127.0.0.1', 'localhost'))
    await says({ ...secure('right'), brokers: named }, 'misconfigured', /advertises addresses \(127\.0\.0\.1/)
    await says(secure('right'), 'misconfigured', /"gateway" may not/)
  })

  test('the login and the right to write are taken away and given back under a running stream', async () => {
    await acl('--add')
    const right = secure('right')
    const plainLogin = open({ connection: { ...right, sasl: { ...right.sasl, mechanism: 'PLAIN' } }, topic: 'secured' })
    await plainLogin.sink.open()
    await plainLogin.sink.close()
    const { sink } = open({ connection: right, topic: 'secured' })
    await sink.open()
    const stream = new NumberedStream(sink)
    const moves = async () => {
      const marks = stream.acked.map((acked) => acked + 100)
      await until('every partition moves', () => stream.acked.every((n, at) => n >= (marks[at] ?? 0)), 60_000)
    }
    await moves()
    // Connections that stand are let go on, so they have to end.
    await kafka().removeUser(user.name)
    await kafka().kill()
    await kafka().start()
    await until('the state names the login', () => /password of "gateway"/.test(sink.state().detail ?? ''), 60_000)
    strictEqual(sink.state().kind, 'misconfigured')
    await kafka().setUser(user)
    await moves()
    strictEqual(stream.repeats, 0)
    await acl('--remove')
    await until('the state names the right', () => /may not/.test(sink.state().detail ?? ''), 60_000)
    await acl('--add')
    await moves()
    await until('the state is up', () => sink.state().kind === 'up')
    await stream.end()
    await stream.check(kafka(), 'secured')
    await sink.close()
  })
})
