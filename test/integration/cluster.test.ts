import { deepStrictEqual, notStrictEqual, ok, strictEqual } from 'node:assert'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Producer, stringSerializers } from '@platformatic/kafka'
import { type Kafka, startKafka } from '../../scripts/services/kafka/kafka.ts'
import { type Redis, startRedis } from '../../scripts/services/redis.ts'
import type { GatewayEvent } from '../../src/events/envelope.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { readTopic } from '../support/kafka-records.ts'
import { Scrape } from '../support/scrape.ts'
import { type Answer, Station } from '../support/station.ts'
import { assertValidEvent } from '../support/valid-event.ts'

// Three gateways that share a real Kafka and a real Redis.

let redis: Redis
let kafka: Kafka
let a: GatewayProcess
let b: GatewayProcess
let c: GatewayProcess

function flags(node: string): string[] {
  const shared = ['--redis.url', redis.url, '--kafka.brokers', kafka.addresses().join(','), '--redis.lease_ttl', '2s']
  return ['--log.level', 'warn', '--node.id', node, ...shared]
}

before(async () => {
  const topics = {
    'ocpp-events-up': { partitions: 6 },
    'commands-down': { partitions: 3 },
    'commands-down-dead': { partitions: 1 }
  }
  ;[redis, kafka] = await Promise.all([startRedis(), startKafka({ topics })])
  a = new GatewayProcess(flags('gw-a'))
  b = new GatewayProcess(flags('gw-b'))
  c = new GatewayProcess(flags('gw-c'))
  await Promise.all([a.start(), b.start(), c.start()])
})
after(async () => {
  await Promise.all([a?.remove(), b?.remove(), c?.remove()])
  await Promise.all([redis?.close(), kafka?.close()])
})

const reset = { type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Soft' } } }

/** Everything in the topic, each event once, in the order of its partition. */
async function topicEvents(): Promise<GatewayEvent[]> {
  const seen = new Set<string>()
  const events: GatewayEvent[] = []
  for (const { key, value, headers } of await readTopic(kafka.addresses(), 'ocpp-events-up')) {
    const event = JSON.parse(value) as GatewayEvent
    assertValidEvent(event)
    strictEqual(key, event.subject)
    strictEqual(headers.ce_id, event.id)
    strictEqual(headers['content-type'], 'application/cloudevents+json; charset=UTF-8')
    if (seen.has(event.id)) continue
    seen.add(event.id)
    events.push(event)
  }
  return events
}

function give(gateway: GatewayProcess, chargePointId: string, id: string, headers: Record<string, string> = {}) {
  return gateway.post(`/v1/charge-points/${chargePointId}/commands`, { id, ...reset }, headers)
}

/** Polls until `find` gives something; the run's own timeout ends a wait for ever. */
async function eventually<T>(find: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    await sleep(100)
  }
}

function outcomeOf(id: string): Promise<{ outcome: string; reason?: string; detail?: string }> {
  return eventually(async () => {
    const own = (await topicEvents()).filter(
      ({ type, correlationid }) => type === 'command.outcome' && correlationid === id
    )
    ok(own.length <= 1, `one outcome for ${id}`)
    return own[0]?.data as { outcome: string; reason?: string; detail?: string } | undefined
  })
}

test('any node takes a command, and it reaches the charge point where it is, once', async () => {
  const station = await Station.connect({ url: a.url, id: 'CP-1' })
  await station.boot()
  const { status, body } = await give(b, 'CP-1', 'any-1', { prefer: 'wait=10' })
  ok(status === 200 || status === 202, JSON.stringify(body))
  deepStrictEqual((await outcomeOf('any-1')).outcome, 'accepted')
  strictEqual(station.received.length, 1)
  const known = await b.get('/v1/commands/any-1')
  strictEqual((known.body as { outcome: string }).outcome, 'accepted')
  const seen = await eventually(async () => {
    const { body: point } = await b.get('/v1/charge-points/CP-1')
    return (point as { connected?: boolean }).connected ? (point as { node: string }) : undefined
  })
  strictEqual(seen.node, 'gw-a')
  await station.close()
})

/** All of `/v1/charge-points`, two at a time: id and node, the latter only while it is connected. */
async function listed(gateway: GatewayProcess, query = ''): Promise<string[]> {
  const found: string[] = []
  for (let after: string | undefined = ''; after !== undefined; ) {
    const { body } = await gateway.get(`/v1/charge-points?limit=2${query}${after && `&after=${after}`}`)
    const page = body as {
      readonly chargePoints: readonly { id: string; connected: boolean; node?: string }[]
      readonly next?: string
    }
    ok(page.chargePoints.length <= 2)
    found.push(...page.chargePoints.map(({ id, connected, node }) => (connected ? `${id} ${node}` : id)))
    after = page.next
  }
  return found.filter((line) => line.startsWith('L-'))
}

test('every node lists the charge points of all, in pages and by being connected, and knows any command', async () => {
  const stations = await Promise.all(
    [a, b, c, a, b].map((gateway, n) => Station.connect({ url: gateway.url, id: `L-${n + 1}` }))
  )
  await Promise.all(stations.map((station) => station.boot()))
  await stations[3]?.close()
  const connected = ['L-1 gw-a', 'L-2 gw-b', 'L-3 gw-c', 'L-5 gw-b']
  const all = [...connected, 'L-4'].sort()
  // What others show of a connection is what its node wrote down, a moment ago.
  const shows = (gateway: GatewayProcess, query: string, wanted: readonly string[]) =>
    eventually(async () => (String(await listed(gateway, query)) === String(wanted) ? true : undefined))
  for (const gateway of [a, b, c]) {
    await shows(gateway, '', all)
    await shows(gateway, '&connected=true', connected)
    await shows(gateway, '&connected=false', ['L-4'])
  }
  strictEqual((await give(b, 'L-1', 'third-1')).status, 202)
  strictEqual((await outcomeOf('third-1')).outcome, 'accepted')
  for (const gateway of [a, b, c]) {
    const { status, body } = await gateway.get('/v1/commands/third-1')
    const { chargePointId, state, outcome } = body as { chargePointId: string; state: string; outcome: string }
    deepStrictEqual([status, chargePointId, state, outcome], [200, 'L-1', 'settled', 'accepted'])
  }
  const { body: recent } = await c.get('/v1/charge-points/L-1/commands')
  ok(JSON.stringify(recent).includes('third-1'))
  await Promise.all(stations.map((station) => station.close()))
})

test('a command of the topic gets its outcome in the topic, a bad record its dead letter', async () => {
  const station = await Station.connect({ url: b.url, id: 'CP-2' })
  await station.boot()
  const producer = new Producer({
    clientId: 'backend',
    bootstrapBrokers: [...kafka.addresses()],
    serializers: stringSerializers
  })
  const value = (command: object) => JSON.stringify({ chargePointId: 'CP-2', ...command })
  await producer.send({
    messages: [
      { topic: 'commands-down', key: 'CP-2', value: value({ id: 'topic-1', ...reset }) },
      { topic: 'commands-down', key: 'CP-2', value: '{"no' },
      {
        topic: 'commands-down',
        key: 'CP-2',
        value: value({ id: 'topic-2', type: 'ocpp.call', data: {}, timeoutMs: -1 })
      },
      { topic: 'commands-down', key: 'CP-2', value: value({ id: 'topic-1', ...reset }) },
      { topic: 'commands-down', key: 'CP-9', value: value({ id: 'topic-3', ...reset, chargePointId: 'CP-9' }) },
      { topic: 'commands-down', key: 'CP-2', value: value({ id: 'topic-4', type: 'coffee.make', data: {} }) },
      { topic: 'commands-down', key: 'CP-2', value: value({ id: 'topic-1', type: 'ocpp.call', data: {} }) }
    ]
  })
  await producer.close()
  strictEqual((await outcomeOf('topic-1')).outcome, 'accepted')
  deepStrictEqual((await outcomeOf('topic-2')).reason, 'invalid')
  deepStrictEqual((await outcomeOf('topic-3')).reason, 'unknown_charge_point')
  const dead = await eventually(async () => {
    const records = await readTopic(kafka.addresses(), 'commands-down-dead')
    return records.length >= 4 ? records : undefined
  })
  deepStrictEqual(
    dead.map(({ value: text }) => text).toSorted(),
    [
      value({ id: 'topic-1', type: 'ocpp.call', data: {} }),
      value({ id: 'topic-2', type: 'ocpp.call', data: {}, timeoutMs: -1 }),
      value({ id: 'topic-4', type: 'coffee.make', data: {} }),
      '{"no'
    ].toSorted()
  )
  const refused = await outcomeOf('topic-4')
  strictEqual(refused.reason, 'invalid')
  const letter = dead.find(({ value: text }) => text.includes('topic-4'))
  strictEqual(letter?.headers.dead_letter_reason, refused.detail, 'in the words of its outcome')
  const scrapes = await Promise.all([a, b, c].map(({ api }) => Scrape.of(api)))
  ok(scrapes.reduce((sum, scrape) => sum + scrape.value('cpg_dead_letters_total'), 0) >= 4)
  strictEqual(station.received.length, 1, 'the repeated record did not reach it again')
  await station.close()
})

test('the newest connection wins on whichever node, and a retried start gets its id back there', async () => {
  const first = await Station.connect({ url: a.url, id: 'CP-3' })
  await first.boot()
  const start = { connectorId: 1, idTag: 'TAG', meterStart: 0, timestamp: '2026-11-23T10:00:00.000Z' }
  const begun = await first.call('StartTransaction', start)
  const second = await Station.connect({ url: b.url, id: 'CP-3' })
  strictEqual((await first.closed).code, 1000)
  const again = await second.call('StartTransaction', start)
  ok(begun.ok && again.ok)
  strictEqual(again.payload.transactionId, begun.payload.transactionId)
  strictEqual((await b.post('/v1/charge-points/CP-3/commands', { id: 'newest-1', ...reset })).status, 202)
  strictEqual((await outcomeOf('newest-1')).outcome, 'accepted')
  strictEqual(second.received.length, 1)
  await second.close()
})

test('transactions that start on every node at the same time have ids that no other has', async () => {
  const starts = await Promise.all(
    [a, b, c].map(async (gateway, node) => {
      const station = await Station.connect({ url: gateway.url, id: `T-${node}` })
      await station.boot()
      const start = { idTag: 'TAG', meterStart: 0, timestamp: '2026-11-23T10:00:00.000Z' }
      const answers: Answer[] = []
      // More than the nodes' starts are apart: two ids for each second.
      for (let connectorId = 1; connectorId <= 50; connectorId++)
        answers.push(await station.call('StartTransaction', { connectorId, ...start }))
      await station.close()
      return answers
    })
  )
  const ids = starts.flat().map((answer) => (answer.ok ? answer.payload.transactionId : answer.code))
  strictEqual(ids.length, 150)
  deepStrictEqual(
    ids.filter((id, at) => typeof id !== 'number' || ids.indexOf(id) !== at),
    []
  )
})

test('a node that dies: its commands end, its epochs are closed once, and its charge points are served elsewhere', async () => {
  const station = await Station.connect({ url: a.url, id: 'CP-4', onCall: () => undefined })
  await station.boot()
  // It comes back only after its end was told.
  const later = await Station.connect({ url: a.url, id: 'CP-7' })
  await later.boot()
  await b.post('/v1/charge-points/CP-4/commands', { id: 'dies-1', ...reset })
  await eventually(() => (station.received.length > 0 ? true : undefined))
  strictEqual(await a.end('SIGKILL'), 'SIGKILL')
  deepStrictEqual((await outcomeOf('dies-1')).reason, 'node_lost')
  const elsewhere = await Station.connect({ url: b.url, id: 'CP-4' })
  strictEqual((await elsewhere.call('Heartbeat', {})).ok, true, 'its registration is known there')
  await b.post('/v1/charge-points/CP-4/commands', { id: 'dies-2', ...reset })
  strictEqual((await outcomeOf('dies-2')).outcome, 'accepted')
  const lost = () =>
    topicEvents().then((events) =>
      events.filter(
        ({ type, subject, data }) =>
          type === 'charge_point.disconnected' &&
          subject === 'CP-4' &&
          (data as { reason: string }).reason === 'node_lost'
      )
    )
  await eventually(async () => ((await lost()).length > 0 ? true : undefined))
  const ends = async () => {
    const { body } = await b.get('/v1/charge-points/CP-7')
    return (body as { connections: readonly { reason?: string }[] }).connections.map(({ reason }) => reason)
  }
  await eventually(async () => ((await ends())[0] === 'node_lost' ? true : undefined))
  const back = await Station.connect({ url: b.url, id: 'CP-7' })
  deepStrictEqual(await ends(), [undefined, 'node_lost'], 'the API says what the topic says')
  await back.close()
  await a.start()
  await sleep(1000)
  strictEqual((await lost()).length, 1, 'back again, the node tells it with the same id')
  await elsewhere.close()
})

test('Redis goes away and comes back: charge points go on, new ones get in, commands are refused, then all is well', async () => {
  const station = await Station.connect({ url: a.url, id: 'CP-5' })
  await station.boot()
  await redis.kill()
  await eventually(async () => ((await redisState(a)) === 'down' ? true : undefined))
  const alerts = await Scrape.of(a.api)
  const isUp = (name: string) => alerts.value(`cpg_dependency_up{name="${name}"}`)
  deepStrictEqual([isUp('redis'), isUp('event_log')], [0, 1])
  ok(alerts.has('cpg_dependency_up{name="kafka"}') && alerts.has('cpg_dependency_up{name="kafka_commands"}'))
  strictEqual(alerts.value('cpg_ready'), 1, 'charge points are better where they are')
  ok((await station.call('StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Available' })).ok)
  const fresh = await Station.connect({ url: b.url, id: 'CP-6' })
  ok((await fresh.boot()).ok)
  const refused = await a.post('/v1/charge-points/CP-6/commands', { id: 'away-1', ...reset })
  deepStrictEqual([refused.status, (refused.body as { code: string }).code], [503, 'registry_unavailable'])
  const unheard = await b.get('/v1/charge-points/CP-none')
  deepStrictEqual([unheard.status, (unheard.body as { code: string }).code], [503, 'registry_unavailable'])
  await redis.start()
  await eventually(async () => ((await redisState(a)) === 'up' && (await redisState(b)) === 'up' ? true : undefined))
  await a.post('/v1/charge-points/CP-6/commands', { id: 'away-2', ...reset })
  strictEqual((await outcomeOf('away-2')).outcome, 'accepted')
  await Promise.all([station.close(), fresh.close()])
})

async function dependency(gateway: GatewayProcess, wanted: string): Promise<string | undefined> {
  const { body } = await gateway.get('/health/ready')
  const { dependencies } = body as { dependencies: readonly { name: string; state: string }[] }
  return dependencies.find(({ name }) => name === wanted)?.state
}

const redisState = (gateway: GatewayProcess) => dependency(gateway, 'redis')

/** A gateway of the cluster with one charge point that has registered. */
async function withStation(t: TestContext, node: string, ...more: readonly string[]) {
  const gateway = new GatewayProcess([...flags(node), ...more])
  t.after(() => gateway.remove())
  await gateway.start()
  const station = await Station.connect({ url: gateway.url, id: `CP-${node}` })
  ok((await station.boot()).ok)
  return { gateway, station }
}

test('while the brokers hang an answer waits for them, or for its patience, or not at all, as delivery.ack says', {
  timeout: 60_000
}, async (t) => {
  const [patient, hasty, local] = await Promise.all([
    withStation(t, 'patient', '--delivery.broker_patience', '5m'),
    withStation(t, 'hasty', '--delivery.broker_patience', '100ms'),
    withStation(t, 'local', '--delivery.ack', 'local')
  ])
  const other = await Station.connect({ url: patient.gateway.url, id: 'CP-other' })
  ok((await other.boot()).ok)
  t.after(() => kafka.resume())
  await kafka.pause()
  const status = { connectorId: 1, errorCode: 'NoError', status: 'Available' }
  let isAnswered = false
  const answer = patient.station.call('StatusNotification', status).finally(() => {
    isAnswered = true
  })
  // It is on disk, which is all that an answer waits for otherwise.
  await eventually(async () => {
    const events = await patient.gateway.events('&chargePointId=CP-patient&type=connector.status_changed')
    return events.length > 0 ? true : undefined
  })
  ok((await local.station.call('StatusNotification', status)).ok)
  ok((await hasty.station.call('StatusNotification', status)).ok)
  notStrictEqual(await dependency(hasty.gateway, 'kafka'), 'up', 'readiness says that patience was lost')
  ok((await other.call('Heartbeat', {})).ok)
  strictEqual(isAnswered, false, 'a message without an event waits for nobody, the one with an event does')
  await kafka.resume()
  ok((await answer).ok)
  const outages = async ({ api }: GatewayProcess) => (await Scrape.of(api)).value('cpg_delivery_outages_total')
  strictEqual(await outages(patient.gateway), 0, 'it was the brokers that it waited for')
  notStrictEqual(await outages(hasty.gateway), 0)
})

test('what a station was answered is in the topic: per epoch in order and without a gap', async () => {
  const sequences = new Map<string, number>()
  for (const { subject, epoch, sequence } of await topicEvents()) {
    if (sequence === undefined) continue
    const key = `${subject} ${epoch}`
    strictEqual(Number(sequence.slice(11)), (sequences.get(key) ?? 0) + 1, key)
    sequences.set(key, (sequences.get(key) ?? 0) + 1)
  }
  ok(sequences.size >= 6)
})
