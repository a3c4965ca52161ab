import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Producer, stringSerializers } from '@platformatic/kafka'
import { type Kafka, startKafka } from '../../scripts/services/kafka/kafka.ts'
import type { Redis } from '../../scripts/services/redis.ts'
import type { GatewayEvent } from '../../src/events/envelope.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { readTopic, until } from '../support/kafka-records.ts'
import { Station } from '../support/station.ts'
import {
  closeAtEnd,
  doctor,
  expectFinding,
  expectReadiness,
  expectTold,
  password,
  redisOverTls,
  start,
  startSecureRedis
} from './cluster-errors-world.ts'

// The mistakes that people make with Kafka, each on a real one, with the message that says what to do.

let kafka: Kafka
let redis: Redis

before(async () => {
  ;[kafka, redis] = await Promise.all([
    startKafka({
      brokers: 3,
      listeners: [{ name: 'secure', protocol: 'SASL_SSL' }],
      users: [
        { name: 'gateway', password },
        { name: 'stranger', password }
      ],
      acls: true,
      topics: {
        'ocpp-events-up': { partitions: 3 },
        'commands-down': { partitions: 3, config: { 'retention.ms': '3600000', 'segment.ms': '600000' } },
        'commands-down-dead': { partitions: 1 },
        'one-copy': { partitions: 1, replication: 1 },
        compacted: { partitions: 1, config: { 'cleanup.policy': 'compact,delete' } }
      }
    }),
    startSecureRedis()
  ])
  const allow = (operations: readonly string[], ...on: readonly string[]) => {
    const rights = operations.flatMap((operation) => ['--operation', operation])
    const args = ['--add', '--allow-principal', 'User:gateway', ...rights, ...on]
    return kafka.tool('org.apache.kafka.tools.AclCommand', ...args)
  }
  await allow(['Read', 'Write', 'Describe', 'DescribeConfigs'], '--topic', '*')
  await allow(['Read', 'Describe'], '--group', '*')
})
after(async () => {
  await Promise.all([kafka?.close(), redis?.close()])
})

async function expectUp(gateway: GatewayProcess, name: string): Promise<void> {
  await until(`${name} is up`, async () => {
    const { body } = await gateway.get('/health/ready')
    const { dependencies } = body as { readonly dependencies: readonly { name: string; state: string }[] }
    return dependencies.some((dependency) => dependency.name === name && dependency.state === 'up')
  })
}

const open = () => ['--kafka.brokers', kafka.addresses().join(',')]
function scram(user: string, secret: string, mechanism = 'scram-sha-512'): string[] {
  const login = ['--kafka.sasl_mechanism', mechanism, '--kafka.sasl_username', user, '--kafka.sasl_password', secret]
  const tls = ['--kafka.tls', 'true', '--kafka.tls_ca_file', kafka.certificates?.ca ?? '']
  return ['--kafka.brokers', kafka.addresses('secure').join(','), ...login, ...tls]
}

test('SCRAM over TLS, and Redis over TLS as an ACL user: events arrive, a command of the topic goes down', async () => {
  const gateway = await start('--node.id', 'secure', ...scram('gateway', password), ...redisOverTls(redis))
  const station = await Station.connect({ url: gateway.url, id: 'CP-1' })
  ok((await station.boot()).ok)
  const events = async () =>
    (await readTopic(kafka.addresses(), 'ocpp-events-up')).map(({ value }) => JSON.parse(value) as GatewayEvent)
  await until('the boot is in the topic', async () =>
    (await events()).some(({ type }) => type === 'charge_point.booted')
  )
  const producer = new Producer({
    clientId: 'backend',
    bootstrapBrokers: kafka.addresses(),
    serializers: stringSerializers
  })
  const command = { id: 'c-1', type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Soft' } } }
  await producer.send({ messages: [{ topic: 'commands-down', key: 'CP-1', value: JSON.stringify(command) }] })
  await producer.close()
  await until('its outcome is in the topic', async () =>
    (await events()).some(
      ({ correlationid, data }) => correlationid === 'c-1' && (data as { outcome?: string }).outcome === 'accepted'
    )
  )
  strictEqual(station.received.length, 1)
  await station.close()
  const { findings } = await doctor([...scram('gateway', password), ...redisOverTls(redis)])
  const checks = [
    'kafka',
    'events_topic_safety',
    'commands_topic',
    'dead_letter_topic',
    'consumer_group',
    'redis',
    'redis_persistence',
    'clock_redis',
    'commands_topic_retention'
  ]
  for (const check of checks) expectFinding({ code: 0, findings }, 'ok', check)
  strictEqual(await gateway.end(), 0)
})

test('a wrong broker address: the gateway runs and readiness names the address, doctor the key', async () => {
  const wrong = ['--kafka.brokers', '127.0.0.1:1']
  const gateway = await start(...wrong)
  await expectReadiness(gateway, 'kafka', /tried 127\.0\.0\.1:1 \(connect ECONNREFUSED/, /nothing is lost/)
  await expectReadiness(gateway, 'kafka_commands', /tried 127\.0\.0\.1:1 \(connect ECONNREFUSED/)
  const tried = 'tried 127\\.0\\.0\\.1:1 .*; check kafka\\.brokers\\..*'
  const down = (topic: string) => new RegExp(`${tried}"msg":"Kafka topic ${topic}: down"`)
  await expectTold(gateway, down('ocpp-events-up'), down('commands-down'))
  const examined = await doctor(wrong)
  strictEqual(examined.code, 1)
  expectFinding(examined, 'fail', 'kafka', /tried 127\.0\.0\.1:1/, /set kafka\.brokers to where the brokers listen/)
  expectFinding(
    await doctor(['--kafka.brokers', 'no.such.host.invalid:9092']),
    'fail',
    'kafka',
    /ENOTFOUND no\.such\.host\.invalid/
  )
})

test('what was answered while the brokers were away says so in the topic, also after a restart', async () => {
  const gateway = new GatewayProcess(['--log.level', 'warn', '--delivery.broker_patience', '200ms'])
  closeAtEnd(() => gateway.remove())
  const settings = join(gateway.dataDir, 'gateway.yaml')
  writeFileSync(settings, 'kafka:\n  brokers: [127.0.0.1:1]\n')
  await gateway.start()
  const early = await Station.connect({ url: gateway.url, id: 'CP-EARLY' })
  ok((await early.boot()).ok)
  await gateway.end('SIGKILL')
  writeFileSync(settings, `kafka:\n  brokers: [${kafka.addresses().join(', ')}]\n`)
  await gateway.start()
  await expectUp(gateway, 'kafka')
  const later = await Station.connect({ url: gateway.url, id: 'CP-LATER' })
  ok((await later.boot()).ok)
  const marksOf = async (id: string) =>
    (await readTopic(kafka.addresses(), 'ocpp-events-up'))
      .filter(({ key, headers }) => key === id && headers.ce_type === 'charge_point.booted')
      .map(({ headers }) => headers.cpg_delivery)
  await until('both boots are in the topic', async () => (await marksOf('CP-LATER')).length > 0)
  deepStrictEqual([await marksOf('CP-EARLY'), await marksOf('CP-LATER')], [['local'], [undefined]])
  await later.close()
})

test('no topic: readiness and doctor say how to make it, and whose right to create it is missing', async () => {
  const absent = ['--kafka.events_topic', 'absent']
  await expectReadiness(
    await start(...open(), ...absent),
    'kafka',
    /topic "absent" does not exist\. Create it .* or set kafka\.create_topics/
  )
  expectFinding(
    await doctor([...open(), ...absent]),
    'fail',
    'events_topic',
    /absent does not exist/,
    /kafka-topics\.sh --create --topic absent/
  )
  const noCommands = await start(...open(), '--kafka.commands_topic', 'absent')
  await expectReadiness(
    noCommands,
    'kafka_commands',
    /topic "absent" does not exist\. Create it/,
    /those of the API go on/
  )
  const create = ['--kafka.create_topics', 'true']
  await expectReadiness(
    await start(...scram('gateway', password), ...absent, ...create),
    'kafka',
    /topic "absent" does not exist, and the user "gateway" may not create it; grant it CREATE/
  )
  const mayNotCreate = [...scram('gateway', password), ...absent, ...create]
  expectFinding(
    await doctor(mayNotCreate),
    'fail',
    'events_topic',
    /may not create it/,
    /grant gateway CREATE on the topic/
  )
  expectFinding(
    await doctor([...open(), ...absent, ...create]),
    'ok',
    'events_topic',
    /absent does not exist; a gateway makes it/
  )
  strictEqual((await kafka.tool('org.apache.kafka.tools.TopicCommand', '--list')).includes('absent'), false)
  // Someone with no rights at all may not even know whether it is there.
  const stranger = await doctor(scram('stranger', password))
  expectFinding(stranger, 'fail', 'events_topic', /grant stranger DESCRIBE and WRITE/)
  expectFinding(stranger, 'fail', 'consumer_group', /grant stranger READ on the group/)
  await expectReadiness(await start(...scram('stranger', password)), 'kafka', /"stranger" may not/)
})

test('PLAIN over TLS: events arrive, a command of the topic goes down, and a wrong password is told', async () => {
  // Gateways of the tests before share the default group, and would get its commands.
  const gateway = await start('--kafka.consumer_group', 'plain', ...scram('gateway', password, 'plain'))
  const station = await Station.connect({ url: gateway.url, id: 'CP-plain' })
  ok((await station.boot()).ok)
  const own = async () => (await readTopic(kafka.addresses(), 'ocpp-events-up')).filter(({ key }) => key === 'CP-plain')
  const has = async (word: string) => (await own()).some(({ value }) => value.includes(word))
  await until('the boot is in the topic', () => has('charge_point.booted'))
  const producer = new Producer({
    clientId: 'backend',
    bootstrapBrokers: kafka.addresses(),
    serializers: stringSerializers
  })
  const command = { id: 'plain-1', type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Soft' } } }
  await producer.send({ messages: [{ topic: 'commands-down', key: 'CP-plain', value: JSON.stringify(command) }] })
  await producer.close()
  await until('its outcome is in the topic', () => has('"outcome":"accepted"'))
  await station.close()
  strictEqual(await gateway.end(), 0)
  const wrong = scram('gateway', 'wrong', 'plain')
  await expectReadiness(await start(...wrong), 'kafka', /refuses the user name or password of "gateway"/)
})

test('a wrong SASL password is told as that, with the keys to look at', async () => {
  const wrong = scram('gateway', 'wrong')
  await expectReadiness(
    await start(...wrong),
    'kafka',
    /refuses the user name or password of "gateway"; check kafka\.sasl_username/
  )
  expectFinding(
    await doctor(wrong),
    'fail',
    'kafka',
    /refuses the user name/,
    /set kafka\.sasl_username and kafka\.sasl_password/
  )
  expectFinding(await doctor(['--kafka.brokers', kafka.addresses('secure').join(',')]), 'fail', 'kafka', /kafka\.tls/)
})

test('one broker of the list is dead: the gateway works, doctor names it', async () => {
  await kafka.kill(0)
  try {
    const gateway = await start(...open())
    const station = await Station.connect({ url: gateway.url, id: 'CP-2' })
    ok((await station.boot()).ok)
    await until('its boot is in the topic', async () =>
      (await readTopic(kafka.addresses().slice(1), 'ocpp-events-up')).some(
        ({ key, headers }) => key === 'CP-2' && headers.ce_type === 'charge_point.booted'
      )
    )
    await station.close()
    const dead = kafka.addresses()[0] ?? ''
    const examined = await doctor(open())
    expectFinding(examined, 'ok', 'kafka', /^ok kafka 2 of 3 brokers/)
    expectFinding(
      examined,
      'warn',
      'kafka_brokers',
      new RegExp(`${dead}: .*ECONNREFUSED`),
      /start this broker, or take/
    )
  } finally {
    await kafka.start(0)
  }
})

test('replication 1 is a warning, and so is a topic of commands that keeps them longer than the ledger', async () => {
  const examined = await doctor([...open(), '--kafka.events_topic', 'one-copy', '--limits.command_memory', '30m'])
  expectFinding(examined, 'warn', 'events_topic_safety', /one-copy has replication 1/, /3 replicas/)
  expectFinding(
    examined,
    'warn',
    'commands_topic_retention',
    /keeps records 1h \(retention\.ms\), 10m more .* \(segment\.ms\), .* limits\.command_memory is 30m/,
    /--add-config retention\.ms=900000,segment\.ms=450000, or set limits\.command_memory to 2h or more/
  )
})

test('a topic that is compacted is a failure, whichever of the three it is, and a gateway warns of its events', async () => {
  const compacted = (key: string) => [`--kafka.${key}`, 'compacted']
  for (const key of ['events_topic', 'commands_topic', 'dead_letter_topic'])
    expectFinding(
      await doctor([...open(), ...compacted(key)]),
      'fail',
      `${key}_cleanup`,
      /compacted has cleanup\.policy compact,delete/,
      /kafka-configs\.sh .* --entity-name compacted --add-config cleanup\.policy=delete/
    )
  await expectTold(await start(...open(), ...compacted('events_topic')), /Kafka compacts the topic \\"compacted\\"/)
})
