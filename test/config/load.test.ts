import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { configOf, faultsOf, load } from './given.ts'

test('without any source the defaults are in force, parsed', () => {
  const config = configOf()
  strictEqual(config.node.id, 'gw-host')
  strictEqual(config.dataDir, './data')
  strictEqual(config.server.port, 8080)
  strictEqual(config.server.payloadBytesMax, 1024 ** 2)
  strictEqual(config.session.callTimeoutMs, 30_000)
  strictEqual(config.eventLog.retentionMs, 72 * 3_600_000)
  strictEqual(config.eventChannels.bufferSize, 50_000)
  strictEqual(config.api.metricsToken, undefined)
  deepStrictEqual(config.eventLog.requiredConsumers, [])
})

test('each source overrides those below it: file < profile < environment < flag', () => {
  const files = {
    'gateway.yaml': 'log:\n  level: trace\n  format: json\n  output: stderr\n  async: false\n',
    'gateway.prod.yaml': 'log:\n  format: text\n  output: a.log\n  async: true\n'
  }
  const env = { CPG_PROFILE: 'prod', CPG_LOG_OUTPUT: 'b.log', CPG_LOG_ASYNC: 'false' }
  deepStrictEqual(configOf({ files, env, argv: ['--log.async', 'true'] }).log, {
    level: 'trace',
    format: 'text',
    output: 'b.log',
    async: true
  })
  strictEqual(configOf({ files, env, argv: ['--log.output=c.log'] }).log.output, 'c.log')
})

test('every effective value knows where it came from', () => {
  const loaded = load({
    files: { 'gateway.yaml': '# mine\nlog:\n  level: debug\n' },
    env: { CPG_SERVER_PORT: '9000' },
    argv: ['--api.port', '9001']
  })
  ok(loaded.ok)
  const origin = (name: string): string | undefined => loaded.values.find(({ key }) => key.name === name)?.origin
  strictEqual(origin('log.level'), 'gateway.yaml:3')
  strictEqual(origin('server.port'), 'CPG_SERVER_PORT')
  strictEqual(origin('api.port'), '--api.port')
  strictEqual(origin('log.async'), 'default')
  deepStrictEqual(loaded.files, ['gateway.yaml'])
})

// Known failure B1: `async: true` was in the YAML and in no struct; logs stayed synchronous and event queues filled.
test('an unknown key in a file stops the start with its line and the nearest key', () => {
  const text = 'log:\n  asynch: true\nsever:\n  port: 1\nlevel: debug\nserver:\n  zzzzzzzz: 1\n'
  deepStrictEqual(faultsOf({ files: { 'gateway.yaml': text } }), [
    'gateway.yaml:2: unknown key log.asynch; did you mean log.async?',
    'gateway.yaml:3: unknown key sever; did you mean server?',
    'gateway.yaml:5: unknown key level; did you mean log.level?',
    'gateway.yaml:7: unknown key server.zzzzzzzz; `config doc` lists every key'
  ])
})

test('a key is not taken for one of the same name in another group while its own group has one that is near', () => {
  deepStrictEqual(faultsOf({ files: { 'gateway.yaml': 'redis:\n  host: redis\n  port: 6379\n' } }), [
    'gateway.yaml:2: unknown key redis.host; did you mean redis.url?',
    'gateway.yaml:3: unknown key redis.port; did you mean redis.url?'
  ])
})

test('an unknown variable or flag stops the start with the nearest one', () => {
  deepStrictEqual(
    faultsOf({ env: { CPG_LOG_LEVL: 'debug' }, argv: ['--log.levl', 'debug', '--serverport=1', 'stray'] }),
    [
      'CPG_LOG_LEVL: unknown environment variable; did you mean CPG_LOG_LEVEL?',
      '--log.levl: unknown flag; did you mean --log.level?',
      '--serverport: unknown flag; did you mean --server.port?',
      'stray: unexpected argument; settings are written as --log.level debug'
    ]
  )
})

test('a wrong type is told with the line, the value and what is expected; all faults at once', () => {
  const text =
    'server:\n  port: high\n  ping_interval: 30\n  compression: maybe\n  payload_bytes_max: 1000000\nlog: loud\nnode:\n  id:\n'
  deepStrictEqual(faultsOf({ files: { 'gateway.yaml': text }, env: { CPG_API_PORT: '99999' } }), [
    'gateway.yaml:6: log is a group of keys; write them below it, indented',
    'gateway.yaml:8: node.id has no value; expected a name of letters, digits and ._- (at most 128) (or remove the line)',
    'gateway.yaml:2: server.port: "high" is not valid; expected a whole number from 0 to 65535',
    'gateway.yaml:5: server.payload_bytes_max: "1000000" is not valid; expected a size such as 1MiB, from 1KiB to 64MiB',
    'gateway.yaml:3: server.ping_interval: "30" is not valid; expected a duration such as 30s, from 0s to 24h',
    'gateway.yaml:4: server.compression: "maybe" is not valid; expected true or false',
    'CPG_API_PORT: api.port: 99999 is not valid; expected a whole number from 0 to 65535'
  ])
})

test('a key that stands twice in one file is refused with both lines', () => {
  deepStrictEqual(
    faultsOf({
      files: { 'gateway.yaml': 'log:\n  level: info\n  level: debug\nnode:\n  id: a\nlog:\n  async: true\n' }
    }),
    [
      'gateway.yaml:3: log.level stands here a second time, first in line 2; remove one',
      'gateway.yaml:6: log stands here a second time, first in line 1; remove one'
    ]
  )
})

test('a key written with a dot says how to write it', () => {
  deepStrictEqual(faultsOf({ files: { 'gateway.yaml': 'log.level: debug\n' } }), [
    'gateway.yaml:1: log.level is written with a dot; write log: and below it, indented, level:'
  ])
})

test('broken YAML names its line', () => {
  const [fault = ''] = faultsOf({ files: { 'gateway.yaml': 'log:\n  level: [debug\n' } })
  match(fault, /^gateway\.yaml:\d: not valid YAML: /)
})

test('a file or profile that was asked for must be there, the default file need not', () => {
  deepStrictEqual(faultsOf({ argv: ['--config', 'other.yaml', '--profile', 'eu'], files: {} }), [
    'other.yaml: there is no such file',
    'gateway.eu.yaml: there is no such file'
  ])
  strictEqual(
    configOf({ env: { CPG_CONFIG: '/etc/cpg/x.yaml' }, files: { '/etc/cpg/x.yaml': 'data_dir: /d' } }).dataDir,
    '/d'
  )
  const profiled = { '/etc/cpg/x.yaml': '', '/etc/cpg/gateway.eu.yaml': 'data_dir: /eu' }
  strictEqual(configOf({ argv: ['--config=/etc/cpg/x.yaml', '--profile=eu'], files: profiled }).dataDir, '/eu')
  match(faultsOf({ argv: ['--profile', '../x'] })[0] ?? '', /is no profile name/)
})

test('numbers in YAML are read as they are written', () => {
  strictEqual(configOf({ files: { 'gateway.yaml': 'server:\n  default_version: 1.6\n' } }).server.defaultVersion, '1.6')
  strictEqual(configOf({ files: { 'gateway.yaml': 'node:\n  id: 007\n' } }).node.id, '007')
  strictEqual(configOf({ files: { 'gateway.yaml': 'server:\n  port: "9000"\n' } }).server.port, 9000)
})

test('anchors and aliases are followed', () => {
  strictEqual(
    configOf({ files: { 'gateway.yaml': 'node:\n  id: &name gw-7\nlog:\n  output: *name\n' } }).log.output,
    'gw-7'
  )
})

test('lists come as YAML lists, or with commas or as JSON in variables and flags', () => {
  const files = { 'gateway.yaml': 'event_log:\n  required_consumers: [a, "b"]\n' }
  deepStrictEqual(configOf({ files }).eventLog.requiredConsumers, ['a', 'b'])
  deepStrictEqual(configOf({ env: { CPG_EVENT_LOG_REQUIRED_CONSUMERS: 'a, b' } }).eventLog.requiredConsumers, [
    'a',
    'b'
  ])
  deepStrictEqual(configOf({ argv: ['--event_log.required_consumers=["a"]'] }).eventLog.requiredConsumers, ['a'])
  match(faultsOf({ argv: ['--event_log.required_consumers', 'a,a'] })[0] ?? '', /a list of different entries/)
  match(
    faultsOf({ files: { 'gateway.yaml': 'event_log:\n  required_consumers: a\n' } })[0] ?? '',
    /a list of different/
  )
})

test('tokens have names: written, or by their place', () => {
  const files = {
    'gateway.yaml': 'api:\n  tokens:\n    - abc==\n    - billing:def\n    - { name: ops, token: 0123 }\n'
  }
  deepStrictEqual(configOf({ files }).api.tokens, [
    { name: 'token-1', token: 'abc==' },
    { name: 'billing', token: 'def' },
    { name: 'ops', token: '0123' }
  ])
})

test('a secret may come from a file, and a higher source wins over it', () => {
  const files = {
    'gateway.yaml': 'api:\n  tokens_file: /run/tokens\n  metrics_token: low\n',
    '/run/tokens': '# ours\nbilling:abc\n\nops:def\n',
    '/run/metrics': 'scrape\n'
  }
  const config = configOf({ files, env: { CPG_API_METRICS_TOKEN_FILE: '/run/metrics' } })
  deepStrictEqual(config.api.tokens, [
    { name: 'billing', token: 'abc' },
    { name: 'ops', token: 'def' }
  ])
  strictEqual(config.api.metricsToken, 'scrape')
  deepStrictEqual(configOf({ files, argv: ['--api.tokens', 'x'] }).api.tokens, [{ name: 'token-1', token: 'x' }])
  deepStrictEqual(
    faultsOf({ env: { CPG_API_TOKENS: 'x', CPG_API_TOKENS_FILE: '/nope', CPG_API_METRICS_TOKEN_FILE: '/nope' } }),
    [
      'CPG_API_TOKENS_FILE: api.tokens_file and api.tokens (CPG_API_TOKENS) are both set; remove one',
      'CPG_API_METRICS_TOKEN_FILE: api.metrics_token_file: /nope there is no such file'
    ]
  )
})

test('a password within a URL is never repeated in the message', () => {
  const [fault = ''] = faultsOf({ argv: ['--redis.url', 'redis://u:hush@r:1,redis://u:hu/sh@r :2'] })
  match(fault, /^--redis\.url: "redis:\/\/u:\*\*\*@r:1,redis:\/\/u:\*\*\*@r :2" is not valid/)
})

test('a wrong secret is never repeated in the message', () => {
  const faults = faultsOf({ env: { CPG_API_TOKENS: 'hush hush', CPG_API_METRICS_TOKEN: 'hush!' } })
  strictEqual(faults.length, 2)
  ok(faults.every((fault) => !fault.includes('hush')))
})

test('names that Kubernetes injects for a Service called cpg are ignored with one notice', () => {
  const env = {
    CPG_SERVICE_HOST: '10.0.0.1',
    CPG_SERVICE_PORT: '8080',
    CPG_SERVICE_PORT_OCPP: '8080',
    CPG_PORT: 'tcp://10.0.0.1:8080',
    CPG_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
    CPG_PORT_8080_TCP_PROTO: 'tcp',
    CPG_PORT_8080_TCP_PORT: '8080',
    CPG_PORT_8080_TCP_ADDR: '10.0.0.1',
    // A second Service, cpg-api, must not reach the key api.port.
    CPG_API_PORT: 'tcp://10.0.0.2:8081',
    CPG_API_SERVICE_HOST: '10.0.0.2'
  }
  const loaded = load({ env })
  ok(loaded.ok)
  strictEqual(loaded.config.api.port, 8081)
  strictEqual(loaded.notices.length, 1)
  for (const name of Object.keys(env)) ok(loaded.notices[0]?.includes(name))
  match(faultsOf({ env: { CPG_PORT: '8080' } })[0] ?? '', /^CPG_PORT: unknown environment variable/)
})

test('variables of the client commands and of other programs are left alone; an empty one is a fault', () => {
  strictEqual(faultsOf({ env: { CPG_URL: 'http://x', CPG_TOKEN: 't', PATH: '/bin', CPGX: '1' } }).length, 0)
  deepStrictEqual(faultsOf({ env: { CPG_LOG_ASYNC: '' } }), [
    'CPG_LOG_ASYNC: is empty; expected true or false (or unset it)'
  ])
})

test('a flag needs a value unless its key is true or false, and its last one counts', () => {
  strictEqual(configOf({ files: { 'gateway.yaml': 'log:\n  async: false' }, argv: ['--log.async'] }).log.async, true)
  deepStrictEqual(faultsOf({ argv: ['--log.level', '--log.output=x'] }), [
    '--log.level: needs a value; expected one of trace, debug, info, warn, error, fatal, silent'
  ])
  strictEqual(configOf({ argv: ['--log.output=x', '--log.output', 'y'] }).log.output, 'y')
})

test('a value of a wrong shape is a fault, however odd the YAML is', () => {
  const odd = [
    'log:\n  level: { a: [1, { b: *x }] }',
    'log:\n  level: &a [*a]',
    'log: &log\n  level: *log',
    'event_log:\n  required_consumers: [[a], { b: c }, null, &a [*a]]',
    'api:\n  tokens: [{ name: [a], token: { x: 1 } }, { ? [k] : v }]',
    '? [log]\n: debug',
    '? { log: level }\n: debug',
    'log:\n  ? [level]\n  : debug',
    '<<: { log: { level: debug } }',
    '!!binary aGk=',
    '- log',
    'log',
    '--- \nlog:\n--- \nnode:\n',
    'constructor:\n  prototype: 1',
    '__proto__:\n  x: 1',
    'toString: 1'
  ]
  for (const text of odd) ok(faultsOf({ files: { 'gateway.yaml': text } }).length > 0, text)
})

test('no file, variable or flag can make the loader throw', () => {
  const word = fc.oneof(
    fc.constantFrom('log', 'level', 'api', 'tokens', ':', '\n', ' ', '-', '[', '{', '&a', '*a', '?'),
    fc.string()
  )
  const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(''))
  const variable = fc.constantFrom(
    'CPG_LOG_LEVEL',
    'CPG_API_TOKENS',
    'CPG_API_TOKENS_FILE',
    'CPG_PORT',
    'CPG_PROFILE',
    'CPG_X'
  )
  fc.assert(
    fc.property(text, fc.dictionary(variable, text), fc.array(text), (file, env, argv) => {
      load({ files: { 'gateway.yaml': file }, env, argv })
    }),
    { numRuns: 1000 }
  )
})
