import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { kafkaVersion } from '../../scripts/services/kafka/jars.ts'
import { findProgram } from '../../scripts/services/programs.ts'
import { startRedis } from '../../scripts/services/redis.ts'
import { RespConnection } from '../../scripts/services/resp.ts'
import { withKafka, withRedis, withRedisCluster } from '../support/services.ts'

const cli = fileURLToPath(new URL('../../scripts/services/main.ts', import.meta.url))
const topicCommand = 'org.apache.kafka.tools.TopicCommand'

async function until(what: string, probe: () => boolean | Promise<boolean>, deadlineMs = 20_000): Promise<void> {
  const endMs = Date.now() + deadlineMs
  while (!(await probe())) {
    if (Date.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await sleep(20)
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // ESRCH is the answer no.
    return false
  }
}

describe('one Redis server', () => {
  const redis = withRedis({
    persistence: true,
    tls: true,
    users: [{ name: 'gateway', password: 'a password' }],
    settings: { 'maxmemory-policy': 'allkeys-lru' }
  })

  const login = async (): Promise<RespConnection> => {
    const connection = await RespConnection.open(redis().port)
    await connection.command('AUTH', 'gateway', 'a password')
    return connection
  }

  test('answers PING to its user alone, and has the settings that were asked for', async () => {
    const stranger = await RespConnection.open(redis().port)
    await rejects(stranger.command('PING'), /NOAUTH/)
    stranger.close()
    const connection = await login()
    strictEqual(await connection.command('PING'), 'PONG')
    deepStrictEqual(await connection.command('CONFIG', 'GET', 'maxmemory-policy'), ['maxmemory-policy', 'allkeys-lru'])
    connection.close()
  })

  test('has a TLS port whose certificate is of the authority that it names', async () => {
    const { tls } = redis()
    ok(tls)
    const connection = await RespConnection.open(tls.port, { ca: readFileSync(tls.certificates.ca) })
    strictEqual(await connection.command('AUTH', 'gateway', 'a password'), 'OK')
    connection.close()
    await rejects(RespConnection.open(tls.port, {}), /certificate/)
  })

  test('comes back after SIGKILL with its data, on the same port, and without it once it is forgotten', async () => {
    const before = await login()
    await before.command('SET', 'key', 'value')
    await redis().kill()
    await redis().start()
    const again = await login()
    strictEqual(await again.command('GET', 'key'), 'value')
    await redis().kill()
    redis().forget()
    await redis().start()
    const empty = await login()
    strictEqual(await empty.command('GET', 'key'), null)
    empty.close()
  })

  test('is silent while it is paused', async () => {
    const connection = await login()
    await redis().pause()
    const answer = connection.command('PING')
    const first = await Promise.race([answer, sleep(200, 'silence')])
    strictEqual(first, 'silence')
    await redis().resume()
    strictEqual(await answer, 'PONG')
    connection.close()
  })
})

describe('a Redis Cluster', () => {
  const cluster = withRedisCluster()

  test('has all slots on three nodes, and each key is served by the node that the map names', async () => {
    const first = await RespConnection.open(cluster().ports[0] ?? 0)
    match(String(await first.command('CLUSTER', 'INFO')), /cluster_state:ok.*cluster_slots_ok:16384/s)
    const map = (await first.command('CLUSTER', 'SLOTS')) as [number, number, [string, number]][]
    deepStrictEqual(map.map(([, , [, port]]) => port).sort(), [...cluster().ports].sort())
    for (const name of ['one', 'two', 'three', 'four', 'five', 'six']) {
      const slot = Number(await first.command('CLUSTER', 'KEYSLOT', name))
      const [, , [host, port] = ['', 0]] = map.find(([from, to]) => from <= slot && slot <= to) ?? []
      strictEqual(host, '127.0.0.1')
      const owner = await RespConnection.open(port)
      strictEqual(await owner.command('SET', name, 'value'), 'OK')
      owner.close()
    }
    first.close()
  })

  test('is whole again when a killed node is back', async () => {
    await cluster().kill(1)
    await cluster().start(1)
    await cluster().untilWhole()
  })
})

describe('one Kafka broker', () => {
  const kafka = withKafka({
    listeners: [{ name: 'sasl', protocol: 'SASL_SSL' }],
    users: [{ name: 'gateway', password: 'secret' }],
    topics: { 'ocpp-events-up': { partitions: 6 } }
  })

  const listAs = (mechanism: 'scram-sha-512' | 'plain', password: string): Promise<string> => {
    const { certificates, folder } = kafka()
    ok(certificates)
    const module = mechanism === 'plain' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
    const file = join(folder, `${mechanism}-${password}.properties`)
    const lines = [
      'security.protocol=SASL_SSL',
      'ssl.truststore.type=PEM',
      `ssl.truststore.location=${certificates.ca}`,
      `sasl.mechanism=${mechanism.toUpperCase()}`,
      `sasl.jaas.config=org.apache.kafka.common.security.${module} required username="gateway" password="${password}";`
    ]
    writeFileSync(file, lines.join('\n'))
    const [address = ''] = kafka().addresses('sasl')
    return kafka().tool(topicCommand, '--bootstrap-server', address, '--command-config', file, '--list')
  }

  test('has the topic that was asked for, and creates none by itself', async () => {
    deepStrictEqual(await kafka().topics(), ['ocpp-events-up'])
    deepStrictEqual(await kafka().leaders('ocpp-events-up'), [0, 0, 0, 0, 0, 0])
  })

  test('lets its user in over TLS by SCRAM and by PLAIN, and nobody with a wrong password', async () => {
    const [scram, plain] = await Promise.all([listAs('scram-sha-512', 'secret'), listAs('plain', 'secret')])
    match(scram, /ocpp-events-up/)
    match(plain, /ocpp-events-up/)
    await rejects(listAs('scram-sha-512', 'wrong'), /SaslAuthenticationException/)
  })

  test('is of the version that the pom brings', () => {
    const pom = readFileSync(new URL('../../scripts/services/kafka/pom.xml', import.meta.url), 'utf8')
    match(pom, new RegExp(`<kafka.version>${kafkaVersion.replaceAll('.', '\\.')}</kafka.version>`))
  })
})

describe('three Kafka brokers', () => {
  // A broker that is gone is noticed sooner than by default, for the sake of this test's time.
  const kafka = withKafka({
    brokers: 3,
    topics: { up: { partitions: 3 } },
    properties: { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' }
  })

  test('lead the partitions among them, and go on without one that was killed', async () => {
    const leaders = await kafka().leaders('up')
    deepStrictEqual(leaders.toSorted(), [0, 1, 2])
    await kafka().kill(2)
    await until('all partitions are led by the two that are left', async () => {
      const left = await kafka().leaders('up')
      return left.every((leader) => leader === 0 || leader === 1)
    })
    await kafka().start(2)
    match(kafka().log(2), /Kafka Server started/)
  })
})

describe('what a start leaves behind', () => {
  test('is nothing, also when the starter is killed with SIGKILL', async (t) => {
    const starter = spawn(process.execPath, [cli, 'start', 'redis'], { stdio: ['ignore', 'pipe', 'pipe'] })
    // What would be left behind holds these, and the test has to end all the same.
    t.after(() => [starter.stdout, starter.stderr].map((stream) => stream.destroy()))
    let said = ''
    starter.stderr.on('data', (chunk) => {
      said += String(chunk)
    })
    let port = 0
    for await (const line of createInterface({ input: starter.stdout })) {
      port = Number(/^CPG_REDIS_URL=redis:\/\/127\.0\.0\.1:(\d+)$/.exec(line)?.[1])
      break
    }
    ok(port > 0, said)
    await until('it names its folder', () => said.includes('data and logs: '))
    const folder = /data and logs: (\S+)/.exec(said)?.[1] ?? ''
    ok(existsSync(folder))
    const connection = await RespConnection.open(port)
    const info = String(await connection.command('INFO', 'server'))
    const pid = Number(/process_id:(\d+)/.exec(info)?.[1])
    ok(runs(pid))
    connection.close()
    starter.kill('SIGKILL')
    await until('the server ended', () => !runs(pid))
    await until('its folder is gone', () => !existsSync(folder))
  })

  test('is nothing when a start fails, and the error shows what the server said', async () => {
    await rejects(
      startRedis({ settings: { 'maxmemory-policy': 'whatever' } }),
      /redis ended.*must be one of the following/s
    )
  })

  test('is nothing after close', async () => {
    const redis = await startRedis()
    const { folder, port } = redis
    await redis.close()
    ok(!existsSync(folder))
    const socket = connect(port, '127.0.0.1')
    await rejects(
      new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject)),
      /ECONNREFUSED/
    )
  })
})

test('a program that cannot be had is an error that says what to install', async () => {
  const wanted = { command: 'no-such-program', debianPackage: 'no-such-package' }
  await rejects(findProgram(wanted), /no-such-program is not on the PATH.*apt-get install no-such-package/s)
})
