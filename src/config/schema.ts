import { clusterGroups } from './cluster.ts'
import { limits } from './limits.ts'
import {
  bearerToken,
  choice,
  duration,
  flag,
  integer,
  list,
  machineText,
  optionalSecret,
  optionalText,
  type Setting,
  size,
  text,
  tokens
} from './setting.ts'

const path = {
  pattern: /^(?:\/[A-Za-z0-9._~-]+)+$/,
  expected: 'a path such as /ocpp',
  example: '/ocpp'
}
const host = {
  pattern: /^[A-Za-z0-9.:_-]+$/,
  expected: 'a host name or an IP address such as 0.0.0.0',
  example: '0.0.0.0'
}
const file = { pattern: /\S/, expected: 'a file name', example: 'allow-list.yaml' }
const folder = { pattern: /\S/, expected: 'a folder', example: './data' }
const name = {
  pattern: /^[A-Za-z0-9._-]{1,128}$/,
  expected: 'a name of letters, digits and ._- (at most 128)',
  example: 'billing'
}
const url = {
  pattern: /^https?:\/\/[^\s/]+\S*$/,
  expected: 'a URL such as https://example.com/schemas',
  example: 'https://example.com/schemas'
}
const addressRange = {
  pattern: /^[^\s,]+$/,
  expected: 'an IP address or a range such as 10.0.0.0/8',
  example: '10.0.0.0/8'
}
const port = { min: 0, max: 65_535 }

/** What each group of keys is about. */
export const groups = {
  node: 'Who this gateway node is.',
  server: 'The socket that charge points connect to.',
  api: 'The HTTP API, its documentation, metrics and health.',
  log: 'What the gateway says about itself.',
  event_channels: 'The one capacity between the sockets and the event log.',
  event_log: 'The durable log in `data_dir`.',
  events: 'The form of the events.',
  session: 'The conversation with one charge point.',
  authority: 'Who may connect and charge.',
  leniency: 'What is forgiven.',
  shutdown: 'The stop.',
  delivery: 'When a message counts as delivered, with Kafka.',
  kafka: 'The bus that gateways share: events up, commands down.',
  redis: 'What gateways share beside the bus: who owns which charge point, and the commands.',
  limits: 'Everything has a limit; at a limit there is back-pressure or a refusal that the sender sees.'
} as const

/** Every key, once. To add one: a line here (or in `limits.ts`), one in `test/config/every-key.ts`, `npm run generate`. */
export const schema = {
  data_dir: text(
    './data',
    'Folder of everything durable, relative to the working directory; one gateway process each.',
    folder
  ),
  node: {
    id: machineText('the host name', 'Name of this node in events and logs; stable over restarts.', {
      ...name,
      example: 'gw-0'
    })
  },
  server: {
    host: text('0.0.0.0', 'Address that charge points connect to.', host),
    port: integer(8080, port, 'Port that charge points connect to; 0 takes a free one.'),
    path: text('/ocpp', 'Path in front of the charge point id: `ws://HOST:PORT/ocpp/{charge point id}`.', path),
    trusted_proxies: list(
      'Proxies and load balancers whose `X-Forwarded-For` says where a charge point connects from; none: the header is not looked at.',
      addressRange
    ),
    connections_max: integer(
      20_000,
      { min: 1, max: 1_000_000 },
      'Charge points connected at once; more are refused with 503.'
    ),
    backlog: integer(
      4096,
      { min: 1, max: 65_535 },
      'Connections that the system may hold before they are accepted; bounded by `net.core.somaxconn`.'
    ),
    handshake_timeout: duration('10s', { min: '100ms', max: '5m' }, 'Time for a request to arrive and be upgraded.'),
    payload_bytes_max: size(
      '1MiB',
      { min: '1KiB', max: '64MiB' },
      'Largest message of a charge point; a larger one ends its connection with 1009.'
    ),
    ping_interval: duration(
      '50s',
      { min: '0s', max: '24h' },
      'Silence after which a charge point is pinged; 0s: never.'
    ),
    idle_timeout: duration(
      '150s',
      { min: '250ms', max: '72h' },
      'Silence after which a connection counts as lost; at least 2.5 x `server.ping_interval`.'
    ),
    close_timeout: duration(
      '5s',
      { min: '10ms', max: '5m' },
      'Time for a charge point to answer a close frame before its socket is cut.'
    ),
    default_version: choice(
      ['none', '1.6', '2.0.1', '2.1'],
      'none',
      'OCPP version of charge points that offer no sub-protocol; `none` refuses them.'
    ),
    compression: flag(true, 'Offer permessage-deflate to OCPP 2.x charge points that ask for it.')
  },
  api: {
    host: text('127.0.0.1', 'Address of the API; anything but loopback needs `api.tokens`.', host),
    port: integer(8081, port, 'Port of the API; 0 takes a free one.'),
    stream_heartbeat: duration('15s', { min: '100ms', max: '10m' }, 'Interval of the sign of life in an event stream.'),
    tokens: tokens(
      'Bearer tokens that the API accepts, each `token`, `name:token` or `{ name, token }`; none: no token is needed.'
    ),
    metrics_token: optionalSecret('Bearer token of `/metrics`; absent: none is needed.', bearerToken)
  },
  log: {
    level: choice(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'info',
      'Least severe line that is written.'
    ),
    format: choice(
      ['auto', 'json', 'text'],
      'auto',
      'JSON lines or plain text; `auto` writes text to a terminal and JSON elsewhere.'
    ),
    output: text('stdout', 'Where log lines go: `stdout`, `stderr` or the name of a file.', file),
    async: flag(true, 'Write log lines in a worker, so that a slow output never holds up the gateway.')
  },
  event_channels: {
    buffer_size: integer(
      50_000,
      { min: 1, max: 10_000_000 },
      'Events in memory between the sockets and the log; at it sockets are no longer read.'
    )
  },
  event_log: {
    retention: duration('72h', { min: '1s', max: '3650d' }, 'How long events are kept.'),
    bytes_max: size('4GiB', { min: '1MiB', max: '16TiB' }, 'Most bytes that the event log may hold.'),
    sync: flag(
      true,
      'Wait for the disk (fsync) before a message is answered; off, a power cut may lose answered messages.'
    ),
    linger_max: duration('5ms', { min: '0ms', max: '1s' }, 'Longest time that a commit waits for company.'),
    required_consumers: list('Named consumers that hold the log: without them no event is removed.', name)
  },
  events: {
    include_raw: choice(
      ['when_needed', 'always', 'never'],
      'when_needed',
      'Whether events carry the payload as the charge point sent it.'
    ),
    schema_base_url: optionalText('Base URL of `dataschema` in events; absent: events have none.', url)
  },
  session: {
    boot_interval: duration(
      '300s',
      { min: '1s', max: '24h' },
      'Heartbeat interval that BootNotification is answered with, in whole seconds.'
    ),
    call_timeout: duration(
      '30s',
      { min: '100ms', max: '1h' },
      'Time for a charge point to answer a CALL, unless the command says otherwise.'
    ),
    queue_calls_max: integer(
      64,
      { min: 1, max: 10_000 },
      'Commands that may wait for one charge point, at the gateway that has it and on their way there; more are `not_sent/queue_full`.'
    ),
    replay_window: duration(
      '5m',
      { min: '0s', max: '24h' },
      'How long a CALL that comes again gets the answer that it got before.'
    )
  },
  authority: {
    mode: choice(
      ['accept_all', 'allow_list'],
      'accept_all',
      'Accept every charge point and id token, or those of `authority.allow_list_file`.'
    ),
    allow_list_file: optionalText('File of charge point ids and id tokens; re-read when it changes.', file),
    boot_status: choice(
      ['accepted', 'pending', 'rejected'],
      'accepted',
      'Registration status that a BootNotification is answered with.'
    )
  },
  leniency: {
    mode: choice(
      ['tolerant', 'strict'],
      'tolerant',
      'Forgive known oddities of charge points (flagged on the event), or hold them to the specification.'
    )
  },
  shutdown: {
    deadline: duration('25s', { min: '100ms', max: '1h' }, 'Longest time that a stop may take.')
  },
  ...clusterGroups,
  limits
} as const

type Schema = typeof schema
type Camel<S extends string> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S
type MemberName<K extends string, S> = S extends Setting<unknown, 'duration'> ? `${Camel<K>}Ms` : Camel<K>
type ValueOf<S> = S extends Setting<infer T> ? T : never
type GroupOf<G> = { readonly [K in keyof G & string as MemberName<K, G[K]>]: ValueOf<G[K]> }

/** The configuration as the gateway uses it: camel case, durations as milliseconds (`...Ms`), sizes as bytes. */
export type Config = {
  readonly [K in keyof Schema as Camel<K>]: Schema[K] extends Setting ? ValueOf<Schema[K]> : GroupOf<Schema[K]>
}

/** One key with its place in the schema, in the order of the schema. */
export interface ConfigKey {
  /** As in YAML and flags: `log.level`. */
  readonly name: string
  /** Empty for a key at the top. */
  readonly group: string
  readonly env: string
  /** Where it stands in `Config`. */
  readonly member: readonly [group: string, name: string]
  readonly setting: Setting
  /** This key names a file that holds the value of that secret key. */
  readonly fileOf?: string
}

function camel(snake: string): string {
  return snake.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function keysOf(group: string, key: string, setting: Setting): ConfigKey[] {
  const full = group === '' ? key : `${group}.${key}`
  const make = (suffix: string): Pick<ConfigKey, 'name' | 'group' | 'env'> => ({
    name: `${full}${suffix}`,
    group,
    env: `CPG_${`${full}${suffix}`.replaceAll('.', '_').toUpperCase()}`
  })
  const member = setting.kind === 'duration' ? `${camel(key)}Ms` : camel(key)
  const own: ConfigKey = { ...make(''), member: [camel(group), member], setting }
  if (!setting.secret) return [own]
  const content = setting.kind === 'tokens' ? 'one a line' : 'alone'
  const inFile = optionalText(`File that holds \`${full}\`, ${content}, instead of the key itself.`, file)
  return [own, { ...make('_file'), member: own.member, setting: inFile, fileOf: full }]
}

/** Every key that can be set, `..._file` keys too. */
export const configKeys: readonly ConfigKey[] = Object.entries(schema).flatMap(([group, entry]) =>
  'kind' in entry
    ? keysOf('', group, entry as Setting)
    : Object.entries(entry).flatMap(([key, setting]) => keysOf(group, key, setting as Setting))
)
