import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Producer, stringSerializers } from '@platformatic/kafka'
import { type Kafka, startKafka } from '../../scripts/services/kafka/kafka.ts'
import { type Redis, startRedis } from '../../scripts/services/redis.ts'
import type { GatewayEvent } from '../../src/events/envelope.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { readTopic, until } from '../support/kafka-records.ts'
import { Station } from '../support/station.ts'

// The mistakes that people make with Kafka and Redis, each on real ones, with the message that says what to do.

const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'cpg-cluster-errors-'))
const password = 'p@ss: w0rd/'
const rules =
  '~cpg:* &cpg:* +@read +@write +@scripting +@pubsub +@connection +time +info +cluster|slots +cluster|shards'
let kafka: Kafka
let redis: Redis
const opened: (() => Promise<void>)[] = []

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
        'commands-down': { partitions: 3, config: { 'retention.ms': '3600000' } },
        'commands-down-dead': { partitions: 1 },
        'one-copy': { partitions: 1, replication: 1 }
      }
    }),
    startRedis({
      tls: true,
      persistence: true,
      users: [
        { name: 'gateway', password, rules: rules.split(' ') },
        { name: 'deaf', password, rules: rules.split(' ').filter((rule) => rule !== '&cpg:*') }
      ]
    })
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
  for (const close of opened) await close()
  await Promise.all([kafka?.close(), redis?.close()])
  rmSync(folder, { recursive: true, force: true })
})

interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly found: string
  readonly advice?: string
}

interface Examined {
  readonly code: number | null
  readonly findings: readonly Finding[]
}

async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {}
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    timeout: 30_000
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    said.err += String(chunk)
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...said }
}

async function doctor(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Examined> {
  const { code, out, err } = await run(['doctor', '--json', '--data_dir', join(folder, 'd'), ...flags], env)
  strictEqual(err, '')
  return { code, findings: JSON.parse(out) }
}

/** One finding, by its check and a word of what was found. */
function expectFinding(
  { findings }: Examined,
  state: Finding['state'],
  check: string,
  ...words: readonly RegExp[]
): void {
  const text = findings.map((one) => `${one.state} ${one.check} ${one.found} -> ${one.advice ?? ''}`)
  const lines = text.filter((line) => line.startsWith(`${state} ${check} `))
  ok(
    lines.some((line) => words.every((word) => word.test(line))),
    `${state} ${check} ${words.join(' ')} in\n${text.join('\n')}`
  )
}

async function start(...flags: readonly string[]): Promise<GatewayProcess> {
  const gateway = new GatewayProcess(['--log.level', 'warn', ...flags])
  opened.push(() => gateway.remove())
  return await gateway.start()
}

/** Waits until a dependency says this in `/health/ready`; the gateway is ready all the same. */
async function expectReadiness(gateway: GatewayProcess, name: string, ...words: readonly RegExp[]): Promise<void> {
  let last: unknown
  await until(`${name} says ${words.join(' ')}`, async () => {
    const { status, body } = await gateway.get('/health/ready')
    strictEqual(status, 200)
    const { dependencies } = body as {
      readonly dependencies: readonly { name: string; state: string; detail?: string }[]
    }
    const own = dependencies.find((dependency) => dependency.name === name)
    last = own
    return own !== undefined && own.state !== 'up' && words.every((word) => word.test(own.detail ?? ''))
  }).catch((error: unknown) => {
    throw new Error(`${error}; it said ${JSON.stringify(last)}`)
  })
}

async function expectUp(gateway: GatewayProcess, name: string): Promise<void> {
  await until(`${name} is up`, async () => {
    const { body } = await gateway.get('/health/ready')
    const { dependencies } = body as { readonly dependencies: readonly { name: string; state: string }[] }
    return dependencies.some((dependency) => dependency.name === name && dependency.state === 'up')
  })
}

/** What was logged of Kafka and Redis: a line for each change, and no stack. */
function expectTold(gateway: GatewayProcess, ...lines: readonly RegExp[]): void {
  ok(!/\n\s+at .*\.ts:|"stack"/.test(gateway.said), gateway.said)
  const told = gateway.said.split('\n').filter((line) => /Kafka|Redis/.test(line))
  for (const line of lines) strictEqual(told.filter((text) => line.test(text)).length, 1, `${line} in\n${gateway.said}`)
  strictEqual(told.length, lines.length, gateway.said)
}

const open = () => ['--kafka.brokers', kafka.addresses().join(',')]
function scram(user: string, secret: string, mechanism = 'scram-sha-512'): string[] {
  const login = ['--kafka.sasl_mechanism', mechanism, '--kafka.sasl_username', user, '--kafka.sasl_password', secret]
  const tls = ['--kafka.tls', 'true', '--kafka.tls_ca_file', kafka.certificates?.ca ?? '']
  return ['--kafka.brokers', kafka.addresses('secure').join(','), ...login, ...tls]
}
function redisOverTls(secret = password, user = 'gateway'): string[] {
  const url = `rediss://127.0.0.1:${redis.tls?.port}`
  const ca = redis.tls?.certificates.ca ?? ''
  return ['--redis.url', url, '--redis.username', user, '--redis.password', secret, '--redis.tls_ca_file', ca]
}

test('SCRAM over TLS, and Redis over TLS as an ACL user: events arrive, a command of the topic goes down', async () => {
  const gateway = await start('--node.id', 'secure', ...scram('gateway', password), ...redisOverTls())
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
  const { findings } = await doctor([...scram('gateway', password), ...redisOverTls()])
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
  expectTold(gateway, down('ocpp-events-up'), down('commands-down'))
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
  opened.push(() => gateway.remove())
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
    /keeps records 1h; limits\.command_memory is 30m/,
    /retention\.ms=1800000/
  )
})

test('a Redis that evicts is a failure, one without persistence a warning', async () => {
  const evicting = await startRedis({ settings: { maxmemory: '64mb', 'maxmemory-policy': 'allkeys-lru' } })
  opened.push(() => evicting.close())
  const examined = await doctor(['--redis.url', evicting.url])
  strictEqual(examined.code, 1)
  expectFinding(
    examined,
    'fail',
    'redis_eviction',
    /maxmemory-policy allkeys-lru/,
    /set maxmemory-policy to noeviction/
  )
  const gateway = await start('--redis.url', evicting.url)
  await expectReadiness(gateway, 'redis', /maxmemory-policy allkeys-lru.*noeviction.*; charge points go on/)
  expectTold(gateway, /"msg":"Redis may throw away .*maxmemory-policy allkeys-lru/)
  expectFinding(examined, 'warn', 'redis_persistence', /set appendonly yes/)
  // What is no cluster and what speaks no TLS, at the same server.
  expectFinding(
    await doctor(['--redis.url', evicting.url, '--redis.cluster', 'true']),
    'fail',
    'redis',
    /set redis\.cluster to false/
  )
  expectFinding(
    await doctor(['--redis.url', evicting.url.replace('redis:', 'rediss:')]),
    'fail',
    'redis',
    /redis:\/\/ where it does not/
  )
})

test('a wrong password of Redis, or an authority that is not known: readiness says it, doctor what to set', async () => {
  const refused = await start(...redisOverTls('wrong'))
  await expectReadiness(refused, 'redis', /WRONGPASS/, /set redis\.username/, /charge points go on/)
  expectTold(refused, /WRONGPASS.*set redis\.username and redis\.password.*"msg":"Redis cannot be used"/)
  expectFinding(
    await doctor(redisOverTls('wrong')),
    'fail',
    'redis',
    /WRONGPASS/,
    /set redis\.username and redis\.password/
  )
  const [url = '', address = '', ...login] = redisOverTls()
  const untrusted = [url, address, ...login.slice(0, 4)]
  await expectReadiness(await start(...untrusted), 'redis', /certificate/)
  expectFinding(await doctor(untrusted), 'fail', 'redis', /set redis\.tls_ca_file/)
  // Keys of another prefix are not this user's.
  const others = [...redisOverTls(), '--redis.key_prefix', 'other']
  await expectReadiness(await start(...others), 'redis', /NOPERM/)
  expectFinding(await doctor(others), 'fail', 'redis', /NOPERM/, /docs\/adr\/0004-redis-keys\.md/)
  // Nor are channels of this one; all but the messages between nodes works without them.
  const deaf = await start(...redisOverTls(password, 'deaf'))
  await expectReadiness(deaf, 'redis', /NOPERM.*channels/, /0004-redis-keys\.md/)
  expectTold(deaf, /NOPERM.*channels.*"msg":"Redis cannot be used"/)
  expectFinding(await doctor(redisOverTls(password, 'deaf')), 'fail', 'redis', /NOPERM.*channels/, /0004-redis-keys/)
})

test('two installations with one node.id: the second is refused at its start and told what to do', async () => {
  const first = await start('--node.id', 'twin', ...redisOverTls())
  const free = ['--server.port', '0', '--api.port', '0', '--log.level', 'error']
  const second = await run([
    'serve',
    ...free,
    '--data_dir',
    join(folder, 'second'),
    '--node.id',
    'twin',
    ...redisOverTls()
  ])
  strictEqual(second.code, 1)
  match(
    `${second.out}${second.err}`,
    /another gateway .* runs as node "twin": give each gateway a `node\.id` of its own/
  )
  ok(!/\n\s+at .*\.ts:/.test(second.err), second.err)
  strictEqual((await first.get('/health/ready')).status, 200)
})

test('a clock that is off by minutes is a failure that names by how much', async () => {
  const shifted = { NODE_OPTIONS: '--import data:text/javascript,const/**/now=Date.now;Date.now=()=>now()+300000' }
  const examined = await doctor(redisOverTls(), shifted)
  strictEqual(examined.code, 1)
  expectFinding(examined, 'fail', 'clock_redis', /its clock is 5m behind this one/, /NTP/)
})
