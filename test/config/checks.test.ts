import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { configOf, faultsOf } from './given.ts'

// The rules between keys.

// Known failure A6: read deadline = ping interval; 200 of 200 healthy chargers were cut.
test('an idle timeout below 2.5 x the ping interval says both values and what to set', () => {
  const [fault = ''] = faultsOf({ files: { 'gateway.yaml': 'server:\n  ping_interval: 60s\n  idle_timeout: 60s\n' } })
  match(fault, /^gateway\.yaml:3: server\.idle_timeout: 1m is less than 2\.5 x server\.ping_interval \(1m\)/)
  match(fault, /set server\.idle_timeout to 150s or more, or server\.ping_interval to 24s or less/)
  strictEqual(
    configOf({ argv: ['--server.ping_interval=60s', '--server.idle_timeout=150s'] }).server.idleTimeoutMs,
    150_000
  )
})

test('the API needs a token on anything but loopback', () => {
  match(
    faultsOf({ env: { CPG_API_HOST: '0.0.0.0' } })[0] ?? '',
    /^CPG_API_HOST: api\.host: 0\.0\.0\.0 can be reached .* set api\.tokens/
  )
  strictEqual(configOf({ env: { CPG_API_HOST: '0.0.0.0', CPG_API_TOKENS: 'x' } }).api.host, '0.0.0.0')
  strictEqual(configOf({ env: { CPG_API_HOST: '::1' } }).api.host, '::1')
})

test('keys that contradict each other are refused', () => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [['--api.port', '8080'], /^--api\.port: 8080 is server\.port too/],
    [
      ['--limits.command_memory', '5m'],
      /^--limits\.command_memory: 5m is not longer than limits\.command_age_max \(5m\)/
    ],
    [
      ['--server.trusted_proxies', '10.0.0.0/8,haproxy'],
      /^--server\.trusted_proxies: haproxy is not an IP address or a range such as 10\.0\.0\.0\/8 .*names are not looked up$/
    ],
    [['--server.trusted_proxies', 'fd00::/129'], /fd00::\/129 is not an IP address or a range/],
    [['--session.boot_interval', '1500ms'], /not a whole number of seconds/],
    [
      ['--authority.mode', 'allow_list'],
      /^--authority\.mode: authority\.allow_list_file: authority\.mode is allow_list, which needs this key/
    ],
    [['--kafka.sasl_mechanism', 'plain'], /plain needs kafka\.sasl_username; set it/],
    [['--kafka.sasl_mechanism', 'plain', '--kafka.sasl_username', 'u'], /plain needs kafka\.sasl_password; set it/],
    [['--kafka.sasl_username', 'u'], /^--kafka\.sasl_username: kafka\.sasl_mechanism: none, so .* no effect/],
    [['--kafka.tls_ca_file', 'ca.pem'], /^--kafka\.tls_ca_file: kafka\.tls: false, so .* set kafka\.tls to true/],
    [['--kafka.tls', 'true', '--kafka.tls_cert_file', 'c.pem'], /no use without its key/],
    [
      ['--redis.cluster', 'true'],
      /redis\.url: not set, so redis\.cluster would have no effect; set it to where Redis listens, or remove it$/
    ],
    [['--redis.password', 'x'], /redis\.url: not set/],
    [
      ['--kafka.brokers', 'kafka-1:9092,kafka-2:99999'],
      /^--kafka\.brokers: kafka-2:99999: the port has to be a number from 1 to 65535$/
    ],
    [['--kafka.brokers', 'kafka-1:0'], /the port has to be a number from 1/],
    [['--redis.url', 'redis://r:port'], /^--redis\.url: the port has to be a number up to 65535/],
    [['--redis.url', 'redis://r:6379,redis://r:65536'], /the port has to be a number/],
    [
      ['--redis.url', 'redis://u:pass#word@r:6379'],
      /a password with characters such as # .* goes into redis\.password/
    ],
    [['--redis.url', 'redis://r:6379', '--redis.username', 'u'], /needs redis\.password/],
    [['--redis.url', 'redis://r:6379', '--redis.tls_ca_file', 'x'], /write it with rediss:\/\//],
    [
      ['--redis.url', 'redis://u:hush@a:1,redis://b:2'],
      /^--redis\.url: names 2 servers, of which .* uses the first alone; set redis\.cluster to true .*, or name a:1 alone$/
    ],
    [
      ['--redis.url', 'redis://r:6379', '--redis.lease_ttl', '2s', '--redis.request_timeout', '1m'],
      /^--redis\.lease_ttl: 2s is less than 2 x redis\.request_timeout \(1m\), .*redis\.lease_ttl to 2m or more, or redis\.request_timeout to 1s or less/
    ],
    [
      ['--redis.lease_ttl', '20s', '--limits.adoptions_per_second_max', '7'],
      /^--redis\.lease_ttl: redis\.url: not set, so redis\.lease_ttl, limits\.adoptions_per_second_max would have no effect.*remove them$/
    ],
    [
      ['--kafka.create_topics', 'true', '--kafka.partitions', '3'],
      /^--kafka\.create_topics: kafka\.brokers: not set, so kafka\.create_topics, kafka\.partitions would have no effect; set it to where the brokers listen, or remove them$/
    ],
    [
      ['--delivery.broker_patience', '3s'],
      /kafka\.brokers: not set, so delivery\.broker_patience would have no effect; .*remove it$/
    ],
    [['--kafka.events_topic', 'commands-down'], /have to be three topics/],
    [['--authority.allow_list_file', 'x'], /would have no effect while authority\.mode is accept_all/],
    [
      ['--event_log.bytes_max', '1MiB', '--server.payload_bytes_max', '2MiB'],
      /set event_log\.bytes_max to 2MiB or more/
    ],
    [
      ['--limits.api_request_bytes_max', '2MiB'],
      /^--limits\.api_request_bytes_max: limits\.send_buffer_bytes_max: 1MiB could not take/
    ]
  ]
  for (const [argv, wanted] of cases) match(faultsOf({ argv })[0] ?? 'no fault', wanted)
})

test('a default of Kafka or Redis may be written down without either, as `config print` does', () => {
  const argv = ['--kafka.partitions=12', '--redis.lease_ttl=5s', '--delivery.ack=broker', '--kafka.tls=false']
  deepStrictEqual(faultsOf({ argv }), [])
})

test('that answers wait for the own disk alone may be said without Kafka, where it is so anyway', () => {
  deepStrictEqual(faultsOf({ argv: ['--delivery.ack=local'] }), [])
})

test('what belongs to Kafka and Redis goes with them', () => {
  const argv = ['--kafka.brokers=k:9092', '--kafka.partitions=3', '--delivery.ack=local']
  const redis = ['--redis.url=redis://a:1,redis://b:2', '--redis.cluster=true', '--redis.lease_ttl=2s']
  deepStrictEqual(faultsOf({ argv: [...argv, ...redis] }), [])
})
