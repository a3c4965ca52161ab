import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { explain } from '../../../src/adapters/redis/faults.ts'
import { RedisHealth } from '../../../src/adapters/redis/health.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

function health() {
  const clock = new FakeClock()
  const logger = memoryLogger()
  const made = new RedisHealth({ hosts: ['redis:6379'], clock, logger })
  return { clock, health: made, said: () => logger.lines.map(({ message }) => message) }
}
const claim = { home: 'redis', use: 'claim' }
const noChannel = 'NOPERM this user has no permissions to access one of the channels used as arguments'

for (const [said, kind, words] of [
  ['WRONGPASS invalid username-password pair', 'misconfigured', /redis:6379 refuses.*set redis\.username/],
  ['NOAUTH HELLO must be called', 'misconfigured', /asks for a user.*set redis\.username/],
  [noChannel, 'misconfigured', /lacks a right.*0004-redis-keys/],
  ["ERR The user executing the script can't run this command", 'misconfigured', /lacks a right/],
  ['self-signed certificate in certificate chain', 'misconfigured', /not trusted.*redis\.tls_ca_file/],
  ["Hostname/IP does not match certificate's altnames", 'misconfigured', /another name/],
  ['ERR This instance has cluster support disabled', 'misconfigured', /set redis\.cluster to false/],
  ['MOVED 866 127.0.0.1:7001', 'misconfigured', /set redis\.cluster to true/],
  ['error:0A00010B:SSL routines::wrong version number', 'misconfigured', /rediss:\/\//],
  ["READONLY You can't write against a read only replica.", 'down', /set redis\.url to the master/],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'down', /raise its maxmemory/],
  ['getaddrinfo ENOTFOUND nowhere', 'down', /correct redis\.url/],
  ['connect ECONNREFUSED 127.0.0.1:1', 'down', /reached at redis:6379.*set redis\.url to where Redis listens/],
  ['Socket closed unexpectedly', 'down', /does not answer.*rediss:\/\//]
] as const) {
  test(`what to do is told of: ${said}`, () => {
    const fault = explain(said, ['redis:6379'])
    strictEqual(fault.kind, kind)
    match(`${fault.what}: ${fault.remedy}`, words)
    match(fault.what, /\(.*\)$/, 'what was said stands beside it')
  })
}

test('an outage is one line when it begins and one when it ends, whatever is asked meanwhile', () => {
  const { clock, health: redis, said } = health()
  redis.answered('redis', 'claim')
  for (let n = 0; n < 100; n++) {
    clock.advance(1_000)
    redis.failed('connect ECONNREFUSED 127.0.0.1:1', claim)
    redis.failed('Socket closed unexpectedly', claim)
  }
  strictEqual(redis.state.kind, 'down')
  strictEqual(redis.state.sinceMs, clock.now() - 99_000)
  match(redis.state.detail ?? '', /Socket closed/, 'readiness tells what was said last')
  redis.answered('redis', 'other')
  deepStrictEqual(said(), ['Redis is reached', 'Redis is away', 'Redis is back'])
})

test('what needs a hand is told also when an outage has begun before it, and settings that worked are not blamed', () => {
  const { health: redis, said } = health()
  redis.failed('connect ECONNREFUSED 127.0.0.1:1', claim)
  match(redis.state.detail ?? '', /: set redis\.url/)
  redis.answered('redis', 'claim')
  redis.failed('connect ECONNREFUSED 127.0.0.1:1', claim)
  match(redis.state.detail ?? '', /: see whether Redis runs/)
  redis.failed('LOADING Redis is loading the dataset in memory', claim)
  redis.failed('WRONGPASS invalid username-password pair', claim)
  redis.failed('WRONGPASS invalid username-password pair', claim)
  match(redis.state.detail ?? '', /: set redis\.username/)
  deepStrictEqual(said(), ['Redis is away', 'Redis is reached', 'Redis is away', 'Redis cannot be used'])
})

test('a right that is missing is told once and stays until it is granted, though all else is served', () => {
  const { clock, health: redis, said } = health()
  for (let n = 0; n < 100; n++) {
    clock.advance(1_000)
    redis.answered('redis', 'claim')
    redis.failed(noChannel, { home: 'redis', use: 'PUBLISH' })
  }
  strictEqual(redis.state.kind, 'misconfigured')
  redis.answered('redis', 'claim')
  strictEqual(redis.state.kind, 'misconfigured')
  redis.answered('redis', 'PUBLISH')
  deepStrictEqual([redis.state.kind, redis.state.detail], ['up', undefined])
  deepStrictEqual(said(), ['Redis is reached', 'Redis cannot be used', 'Redis is back'])
})

test('a use that was refused and is not tried again does not keep Redis away for ever', () => {
  const { clock, health: redis } = health()
  redis.failed(noChannel, { home: 'redis', use: 'ZADD' })
  clock.advance(61_000)
  redis.answered('redis', 'claim')
  strictEqual(redis.state.kind, 'up')
})

test('in a cluster one server that is away counts until it answers or serves nothing any more', () => {
  const { health: redis } = health()
  redis.failed('no answer', { home: 'a', use: 'claim' })
  redis.answered('b', 'claim')
  strictEqual(redis.state.kind, 'down')
  redis.forgetOthers(['b'])
  redis.answered('b', 'claim')
  strictEqual(redis.state.kind, 'up')
})
