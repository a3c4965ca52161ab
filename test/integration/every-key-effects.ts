import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import { apiSettings, embeddedSettings, gatewaySettings, serverSettings } from '../../src/app/settings.ts'
import type { Config } from '../../src/config/schema.ts'
import type { Flags, GatewayInProcess } from '../support/gateway-in-process.ts'
import { upgraded } from '../support/raw-client.ts'
import type { Station } from '../support/station.ts'
import { clusterEffects } from './every-key-cluster.ts'

/** What is seen of a running gateway, with the one value of the key and with the other. */
export interface Observed {
  /** Instead of the default. */
  readonly from?: string
  /** Instead of the value in `test/config/every-key.ts`. */
  readonly to?: string
  /** In both runs. */
  readonly flags?: Flags
  /** With the changed value alone: keys that it needs. */
  readonly toFlags?: Flags
  readonly prepare?: (dir: string) => void
  /** It looks at the process: no other gateway may start meanwhile. */
  readonly isAlone?: boolean
  readonly observe: (gateway: GatewayInProcess) => Promise<unknown>
  readonly expect: readonly [before: unknown, after: unknown]
}

/** What its part is given, and the test that proves what the part does with it. */
export interface Reached {
  readonly reaches: (config: Config) => unknown
  /** When it is given otherwise than it stands in the configuration. */
  readonly as?: unknown
  readonly provenBy: readonly [file: string, sentence: string]
}

export type Effect = Observed | Reached

const available = { connectorId: 1, errorCode: 'NoError', status: 'Available' } as const
const mute = { onCall: () => undefined }

/** The value, or `late` when it does not come in time. */
function within<T>(ms: number, promise: Promise<T>): Promise<T | 'late'> {
  return Promise.race([promise, sleep(ms, 'late' as const, { ref: false })])
}

function statusOf(answer: WebSocket | number): 'open' | number {
  return typeof answer === 'number' ? answer : 'open'
}

/** Code of the close frame when it came, else whether the station is still answered. */
async function fate(station: Station): Promise<number | 'answered'> {
  const asked = station.call('Heartbeat', {}).then(
    () => 'answered' as const,
    async () => (await station.closed).code
  )
  return asked
}

/** Between the two values of a time: so that a busy machine is not taken for a long setting. */
const longMs = 2_500

async function tookLong(done: Promise<unknown>): Promise<boolean> {
  const beganMs = performance.now()
  await done
  return performance.now() - beganMs > longMs
}

/** What the event of the first disconnect says, as soon as it can be read. */
async function endOf(gateway: GatewayInProcess): Promise<{ readonly reason?: unknown; readonly durationMs?: unknown }> {
  for (;;) {
    const [ended] = await gateway.events('charge_point.disconnected')
    if (ended) return ended.data as Awaited<ReturnType<typeof endOf>>
    await sleep(20)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const [chargePointPort, apiPort] = [await freePort(), await freePort()]

function allowing(...ids: string[]): string {
  return `charge_points: [${ids.join(', ')}]\nid_tokens: "*"\n`
}

/** Full logs: a required consumer that reads nothing, and the least room. */
const fullLog = {
  'event_log.bytes_max': '1MiB',
  'event_log.required_consumers': 'billing',
  'server.payload_bytes_max': '64KiB'
}

/** Speak until nobody answers any more, or `messages` are answered: how many were not. */
async function fill(gateway: GatewayInProcess, station: Station, messages: number): Promise<number> {
  for (let n = 0; n < messages; n++) {
    const call = station.call('DataTransfer', { vendorId: 'V', data: 'x'.repeat(40_000) })
    call.catch(() => undefined)
    // Late on a busy machine is not held: only the log's own word counts.
    while ((await within(250, call)) === 'late') {
      if ((await requestStatus(gateway, '/health/ready')) === 503) return 1
    }
  }
  await gateway.json('/v1/node')
  return 0
}

/** The consumer reads on, so that a stop has somewhere to put its events. */
async function relieve(gateway: GatewayInProcess): Promise<void> {
  await gateway.fetch('/v1/consumers/billing', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ cursor: (await gateway.json<{ next: string }>('/v1/events?limit=1000')).next })
  })
}

async function startStop(station: Station, connectorId: number, stops: boolean): Promise<void> {
  const timestamp = `2026-11-23T10:0${connectorId}:00Z`
  const started = await station.call('StartTransaction', { connectorId, idTag: 'T', meterStart: 0, timestamp })
  if (!stops || !started.ok) return
  const { transactionId } = started.payload
  await station.call('StopTransaction', { transactionId, meterStop: 1, timestamp })
}

async function transactions(gateway: GatewayInProcess, open: boolean): Promise<number> {
  const { transactions: found } = await gateway.json<{ transactions: unknown[] }>(`/v1/transactions?open=${open}`)
  return found.length
}

/** Handshakes without a usable sub-protocol. */
async function refuse(gateway: GatewayInProcess, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await gateway.knock(`${gateway.url}/CP-${n}`, ['ocpp1.5'])
}

/** A FIFO that is full from the start. */
function stalledFifo(dir: string): void {
  const path = join(dir, 'fifo')
  execFileSync('mkfifo', [path])
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  fifos.set(dir, fd)
  for (const size of [4096, 1]) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(size))
    } catch {
      // Full: that is what is wanted.
    }
  }
}
const fifos = new Map<string, number>()
let workers = 0

function drainFifo(dir: string): void {
  const fd = fifos.get(dir)
  if (fd === undefined) return
  try {
    while (readSync(fd, Buffer.alloc(65_536)) > 0);
  } catch {
    // Empty: that is what is wanted.
  }
}

async function requestStatus(gateway: GatewayInProcess, path: string, init: RequestInit = {}): Promise<number> {
  const response = await gateway.fetch(path, init)
  await response.body?.cancel()
  return response.status
}

const serverEffects: Readonly<Record<string, Effect>> = {
  'server.host': {
    from: '127.0.0.1',
    to: '127.0.0.2',
    observe: async (gateway) => {
      await gateway.booted('CP-1')
      return gateway.running.chargePoints.host
    },
    expect: ['127.0.0.1', '127.0.0.2']
  },
  'server.port': {
    from: '0',
    to: String(chargePointPort),
    observe: async (gateway) => {
      await gateway.booted('CP-1')
      return gateway.running.chargePoints.port === chargePointPort
    },
    expect: [false, true]
  },
  'server.path': {
    observe: async (gateway) => {
      const { host, port } = gateway.running.chargePoints
      const paths = ['ocpp', 'chargers'].map((path) => gateway.knock(`ws://${host}:${port}/${path}/CP-1`))
      return (await Promise.all(paths)).map(statusOf)
    },
    expect: [
      ['open', 404],
      [404, 'open']
    ]
  },
  'server.connections_max': {
    to: '1',
    observe: async (gateway) => {
      await gateway.station('CP-1')
      return statusOf(await gateway.knock(`${gateway.url}/CP-2`))
    },
    expect: ['open', 503]
  },
  'server.backlog': {
    reaches: (config) => serverSettings(config).backlog,
    provenBy: ['test/server/listener.test.ts', 'the backlog and the address are what the system is asked for']
  },
  'server.handshake_timeout': {
    from: '3s',
    to: '200ms',
    observe: async (gateway) => {
      const socket = await gateway.raw('chargePoints')
      socket.write('GET /ocpp/CP-1 HTTP/1.1\r\n')
      return tookLong(new Promise((resolve) => socket.once('data', resolve)))
    },
    expect: [true, false]
  },
  'server.payload_bytes_max': {
    to: '1KiB',
    observe: async (gateway) => {
      const station = await gateway.booted('CP-1')
      const call = station.call('DataTransfer', { vendorId: 'V', data: 'x'.repeat(2_000) })
      return call.then(
        ({ ok }) => ok,
        async () => (await station.closed).code
      )
    },
    expect: [true, 1009]
  },
  'server.ping_interval': {
    from: '5s',
    to: '100ms',
    observe: async (gateway) => {
      const socket = await gateway.knock(`${gateway.url}/CP-1`)
      return typeof socket !== 'number' && tookLong(new Promise((resolve) => socket.once('ping', resolve)))
    },
    expect: [true, false]
  },
  'server.idle_timeout': {
    from: '3s',
    to: '250ms',
    flags: { 'server.ping_interval': '0s' },
    observe: async (gateway) => {
      await tookLong((await gateway.station('CP-1')).closed)
      const { reason, durationMs } = await endOf(gateway)
      return [reason, Number(durationMs) > longMs]
    },
    expect: [
      ['idle_timeout', true],
      ['idle_timeout', false]
    ]
  },
  'server.close_timeout': {
    from: '3s',
    to: '50ms',
    observe: async (gateway) => {
      const socket = await gateway.raw('chargePoints')
      await upgraded(socket, '/ocpp/CP-1')
      const ended = new Promise((resolve) => socket.once('end', resolve))
      socket.resume()
      await gateway.fetch('/v1/charge-points/CP-1/connection', { method: 'DELETE' })
      return tookLong(ended)
    },
    expect: [true, false]
  },
  'server.default_version': {
    observe: async (gateway) => statusOf(await gateway.knock(`${gateway.url}/CP-1`, [])),
    expect: [400, 'open']
  },
  'server.compression': {
    observe: async (gateway) => {
      const socket = await gateway.knock(`${gateway.url}/CP-1`, ['ocpp2.0.1'], { perMessageDeflate: true })
      return typeof socket === 'number' ? socket : socket.extensions.split(';')[0]
    },
    expect: ['permessage-deflate', '']
  }
}

const apiEffects: Readonly<Record<string, Effect>> = {
  'api.host': {
    observe: async (gateway) => [gateway.running.api.host, await requestStatus(gateway, '/health/live')],
    expect: [
      ['127.0.0.1', 200],
      ['127.0.0.2', 200]
    ]
  },
  'api.port': {
    from: '0',
    to: String(apiPort),
    observe: async (gateway) => [gateway.running.api.port === apiPort, await requestStatus(gateway, '/health/live')],
    expect: [
      [false, 200],
      [true, 200]
    ]
  },
  'api.stream_heartbeat': {
    from: '3s',
    to: '100ms',
    observe: async (gateway) => {
      const aborter = new AbortController()
      const { body } = await gateway.fetch('/v1/events?after=latest', {
        headers: { accept: 'text/event-stream' },
        signal: aborter.signal
      })
      const heard = async () => {
        for await (const chunk of body ?? []) if (Buffer.from(chunk).includes('heartbeat')) return
      }
      const answer = await tookLong(heard())
      aborter.abort()
      return answer
    },
    expect: [true, false]
  },
  'api.tokens': { observe: (gateway) => requestStatus(gateway, '/v1/node'), expect: [200, 401] },
  'api.metrics_token': { observe: (gateway) => requestStatus(gateway, '/metrics'), expect: [200, 401] },
  'limits.api_connections_max': {
    to: '1',
    observe: async (gateway) => {
      await gateway.raw('api')
      const second = await gateway.raw('api')
      second.write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n')
      const { promise, resolve } = Promise.withResolvers<string>()
      second.once('data', () => resolve('answered'))
      second.once('close', () => resolve('dropped'))
      return promise
    },
    expect: ['answered', 'dropped']
  },
  'limits.api_consumers_max': {
    observe: async (gateway) => {
      const { next } = await gateway.json<{ next: string }>('/v1/events')
      const put = (name: string) =>
        requestStatus(gateway, `/v1/consumers/${name}`, {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ cursor: next })
        })
      return [(await put('one')) < 300, (await put('two')) < 300]
    },
    expect: [
      [true, true],
      [true, false]
    ]
  },
  'limits.api_readers_max': {
    observe: async (gateway) => {
      const aborter = new AbortController()
      const open = async () =>
        (await gateway.fetch('/v1/events', { headers: { accept: 'text/event-stream' }, signal: aborter.signal })).status
      const statuses = [await open(), await open()]
      aborter.abort()
      return statuses
    },
    expect: [
      [200, 200],
      [200, 503]
    ]
  },
  'limits.api_reader_stall_max': {
    reaches: (config) => apiSettings(config).readerStallMs,
    provenBy: ['test/api/event-stream.test.ts', 'a reader that does not read is cut, the others get everything']
  },
  'limits.api_reader_buffer_bytes_max': {
    reaches: (config) => apiSettings(config).readerBufferBytesMax,
    provenBy: ['test/api/event-stream.test.ts', 'a reader that does not read is cut, the others get everything']
  },
  'limits.api_page_events_max': {
    observe: async (gateway) => [
      await requestStatus(gateway, '/v1/events?limit=2'),
      await requestStatus(gateway, '/v1/events?limit=3')
    ],
    expect: [
      [200, 200],
      [200, 400]
    ]
  },
  'limits.api_request_bytes_max': {
    observe: async (gateway) => {
      const { status = 'taken' } = await gateway.command('CP-1', { data: { action: 'x'.repeat(5_000) } })
      return status
    },
    expect: ['taken', 413]
  },
  'limits.api_wait_max': {
    to: '1s',
    observe: async (gateway) => {
      const response = await gateway.fetch('/v1/charge-points/CP-1/commands', {
        method: 'POST',
        headers: { 'content-type': 'application/json', prefer: 'wait=2' },
        body: JSON.stringify({ type: 'ocpp.call', data: { action: 'ClearCache', payload: {} } })
      })
      await response.body?.cancel()
      return response.headers.get('preference-applied')
    },
    expect: ['wait=2', 'wait=1']
  }
}

const logEffects: Readonly<Record<string, Effect>> = {
  'log.level': {
    to: 'error',
    observe: async (gateway) => {
      await gateway.stop()
      return gateway.logText().includes('accept_all')
    },
    expect: [true, false]
  },
  'log.format': {
    to: 'text',
    observe: async (gateway) => {
      await gateway.stop()
      return gateway.logText().startsWith('{')
    },
    expect: [true, false]
  },
  'log.output': {
    from: '{dir}/log',
    to: '{dir}/elsewhere',
    observe: async (gateway) => {
      await gateway.stop()
      return ['log', 'elsewhere'].map((name) => existsSync(join(gateway.dir, name)))
    },
    expect: [
      [true, false],
      [false, true]
    ]
  },
  // Known failure B1: asynchronous logging stood in the file and in no struct.
  'log.async': {
    isAlone: true,
    prepare: () => {
      workers = 0
      process.once('worker', () => workers++)
    },
    observe: async () => workers,
    expect: [1, 0]
  },
  'limits.log_buffer_bytes_max': {
    to: '1KiB',
    flags: { 'log.output': '{dir}/fifo' },
    prepare: stalledFifo,
    observe: async (gateway) => {
      await refuse(gateway, 10)
      const dropped = await gateway.metric('cpg_log_lines_dropped_total')
      drainFifo(gateway.dir)
      await gateway.stop()
      closeSync(fifos.get(gateway.dir) ?? -1)
      return dropped > 0
    },
    expect: [false, true]
  }
}

const eventEffects: Readonly<Record<string, Effect>> = {
  // Known failure B2: the size that counted was another one than the one that was set.
  'event_channels.buffer_size': {
    to: '1',
    observe: async (gateway) => {
      await gateway.booted('CP-1')
      await gateway.stop()
      return gateway.logText().includes('the event log does not keep up')
    },
    expect: [false, true]
  },
  'event_log.retention': {
    to: '1s',
    observe: async (gateway) => {
      await gateway.booted('CP-1')
      const kept = async () => (await gateway.events('charge_point.booted')).length
      for (let n = 0; n < 60 && (await kept()) > 0; n++) await sleep(100)
      return kept()
    },
    expect: [1, 0]
  },
  'event_log.bytes_max': {
    to: '1MiB',
    flags: { 'event_log.required_consumers': 'billing', 'server.payload_bytes_max': '64KiB' },
    observe: async (gateway) => {
      await fill(gateway, await gateway.booted('CP-1'), 30)
      const status = await requestStatus(gateway, '/health/ready')
      await relieve(gateway)
      return status
    },
    expect: [200, 503]
  },
  'event_log.sync': {
    reaches: (config) => embeddedSettings(config).sync,
    provenBy: [
      'test/integration/event-log-fsync.test.ts',
      'the proof can fail: with event_log.sync off the disk lacks what was told'
    ]
  },
  'event_log.linger_max': {
    reaches: (config) => embeddedSettings(config).lingerMsMax,
    provenBy: ['test/adapters/embedded/linger.test.ts', 'with a limit of 0 nothing ever waits']
  },
  'event_log.required_consumers': {
    observe: async (gateway) => {
      await relieve(gateway)
      return (await gateway.json<{ required: boolean }>('/v1/consumers/billing')).required
    },
    expect: [false, true]
  },
  'events.include_raw': {
    observe: async (gateway) => {
      const station = await gateway.booted('CP-1')
      await station.call('StatusNotification', available)
      const [event] = await gateway.events('connector.status_changed')
      return event !== undefined && 'raw' in event.data
    },
    expect: [false, true]
  },
  'events.schema_base_url': {
    observe: async (gateway) => {
      await gateway.booted('CP-1')
      await refuse(gateway, 1)
      const booted = await gateway.events('charge_point.booted')
      const refused = await gateway.events('connection.refused')
      return [...booted, ...refused].map(({ dataschema }) => dataschema)
    },
    expect: [
      [undefined, undefined],
      ['https://example.com/schemas/charge_point.booted', 'https://example.com/schemas/connection.refused']
    ]
  },
  data_dir: {
    from: '{dir}/one',
    to: '{dir}/two',
    observe: async (gateway) => ['one', 'two'].map((name) => existsSync(join(gateway.dir, name))),
    expect: [
      [true, false],
      [false, true]
    ]
  },
  'node.id': {
    observe: async (gateway) => {
      await gateway.booted('CP-1')
      await refuse(gateway, 1)
      const booted = await gateway.events('charge_point.booted')
      const refused = await gateway.events('connection.refused')
      const { id } = await gateway.json<{ id: string }>('/v1/node')
      return [id, ...[...booted, ...refused].map(({ node }) => node)]
    },
    expect: [Array(3).fill('test-host'), Array(3).fill('gw-7')]
  }
}

const sessionEffects: Readonly<Record<string, Effect>> = {
  'session.boot_interval': {
    observe: async (gateway) => {
      const answer = await (await gateway.station('CP-1')).boot()
      return answer.ok && answer.payload.interval
    },
    expect: [300, 10]
  },
  'session.call_timeout': {
    from: '3s',
    to: '100ms',
    observe: async (gateway) => {
      await gateway.booted('CP-1', mute)
      const { reason, writtenAt = '', settledAt = '' } = await gateway.command('CP-1', {}, 30)
      return [reason, Date.parse(settledAt) - Date.parse(writtenAt) > longMs]
    },
    expect: [
      ['timeout', true],
      ['timeout', false]
    ]
  },
  'session.queue_calls_max': {
    to: '1',
    observe: async (gateway) => {
      const station = await gateway.booted('CP-1', mute)
      await gateway.command('CP-1')
      while (station.received.length === 0) await sleep(10)
      for (const _ of [1, 2]) await gateway.command('CP-1')
      return (await gateway.json<{ queuedCalls: number }>('/v1/charge-points/CP-1')).queuedCalls
    },
    expect: [2, 1]
  },
  'session.replay_window': {
    to: '0s',
    observe: async (gateway) => {
      const station = await gateway.booted('CP-1')
      for (const _ of [1, 2]) await station.call('StatusNotification', available, 'same')
      return (await gateway.events('connector.status_changed')).length
    },
    expect: [1, 2]
  },
  'limits.replay_answers_max': {
    observe: async (gateway) => {
      const station = await gateway.booted('CP-1')
      for (const id of ['a', 'b', 'a']) await station.call('StatusNotification', available, id)
      return (await gateway.events('connector.status_changed')).length
    },
    expect: [2, 3]
  },
  'authority.mode': {
    toFlags: { 'authority.allow_list_file': '{dir}/list' },
    prepare: (dir) => writeFileSync(join(dir, 'list'), allowing('CP-2')),
    observe: async (gateway) => statusOf(await gateway.knock(`${gateway.url}/CP-1`)),
    expect: ['open', 404]
  },
  'authority.allow_list_file': {
    flags: { 'authority.mode': 'allow_list' },
    from: '{dir}/one',
    to: '{dir}/two',
    prepare: (dir) => {
      writeFileSync(join(dir, 'one'), allowing('CP-1'))
      writeFileSync(join(dir, 'two'), allowing('CP-2'))
    },
    observe: async (gateway) => statusOf(await gateway.knock(`${gateway.url}/CP-1`)),
    expect: ['open', 404]
  },
  'authority.boot_status': {
    observe: async (gateway) => {
      const answer = await (await gateway.station('CP-1')).boot()
      return answer.ok && answer.payload.status
    },
    expect: ['Accepted', 'Pending']
  },
  'leniency.mode': {
    observe: async (gateway) => {
      const station = await gateway.booted('CP-1')
      return (await station.call('StatusNotification', { ...available, notInTheSchema: 1 })).ok
    },
    expect: [true, false]
  },
  'shutdown.deadline': {
    from: '3s',
    to: '300ms',
    observe: async (gateway) => {
      const station = await gateway.booted('CP-1', mute)
      await gateway.command('CP-1')
      // Only what has reached the station holds a stop.
      while (station.received.length === 0) await sleep(10)
      const beganMs = performance.now()
      await gateway.stop()
      return performance.now() - beganMs > 2_000
    },
    expect: [true, false]
  },
  'limits.command_age_max': {
    from: '4s',
    to: '1s',
    observe: async (gateway) => {
      await gateway.booted('CP-1', mute)
      await gateway.command('CP-1')
      const { reason, requestedAt = '', settledAt = '' } = await gateway.command('CP-1', {}, 30)
      return [reason, Date.parse(settledAt) - Date.parse(requestedAt) > longMs]
    },
    expect: [
      ['expired', true],
      ['expired', false]
    ]
  },
  'limits.command_timeout_max': {
    to: '1s',
    observe: async (gateway) => {
      await gateway.booted('CP-1')
      return (await gateway.command('CP-1', { timeoutMs: 2_000 }, 2)).code
    },
    expect: [undefined, 'command_invalid']
  },
  'limits.command_expiry_max': {
    to: '1s',
    observe: async (gateway) => {
      await gateway.booted('CP-1')
      return (await gateway.command('CP-1', { expiresAt: new Date(Date.now() + 60_000).toISOString() }, 2)).code
    },
    expect: [undefined, 'command_invalid']
  },
  'limits.commands_open_max': {
    to: '1',
    observe: async (gateway) => {
      await gateway.booted('CP-1', mute)
      await gateway.command('CP-1')
      return (await gateway.command('CP-1')).code
    },
    expect: [undefined, 'commands_unavailable']
  },
  'limits.command_memory': {
    reaches: (config) => gatewaySettings(config, '').commandMemoryMs,
    provenBy: ['test/gateway/command-desk.test.ts', 'what a command does not say is filled in from the settings']
  },
  'limits.bad_frames_max': {
    to: '1',
    observe: async (gateway) => {
      const station = await gateway.booted('CP-1')
      for (const _ of [1, 2]) station.raw('[')
      return fate(station)
    },
    expect: ['answered', 1008]
  },
  'limits.calls_in_flight_max': {
    flags: fullLog,
    observe: async (gateway) => {
      const station = await gateway.booted('CP-1')
      await fill(gateway, station, 60)
      for (let n = 0; n < 5; n++) station.call('StatusNotification', available).catch(() => undefined)
      await sleep(200)
      const paused = await gateway.metric('cpg_reading_paused{why="inflight"}')
      await relieve(gateway)
      return paused
    },
    expect: [0, 1]
  },
  'limits.inbox_bytes_max': {
    reaches: (config) => serverSettings(config).inboxBytesMax,
    provenBy: [
      'test/server/hostile.test.ts',
      'many small bombs while reading is paused end as inbox_full, in bounded memory'
    ]
  },
  'limits.send_buffer_bytes_max': {
    reaches: (config) => serverSettings(config).sendBufferBytesMax,
    provenBy: ['test/server/connection.test.ts', 'a peer that does not read is cut, by a send, a ping or a pong']
  },
  'limits.handshakes_max': {
    reaches: (config) => serverSettings(config).handshakesMax,
    provenBy: [
      'test/server/handshakes.test.ts',
      'what is beyond the number in progress waits its turn, in order of arrival (rule 57)'
    ]
  },
  'limits.open_transactions_max': {
    to: '1',
    observe: async (gateway) => {
      const station = await gateway.booted('CP-1')
      for (const connectorId of [1, 2]) await startStop(station, connectorId, false)
      return transactions(gateway, true)
    },
    expect: [2, 1]
  },
  'limits.ended_transactions_max': {
    observe: async (gateway) => {
      const station = await gateway.booted('CP-1')
      for (const connectorId of [1, 2]) await startStop(station, connectorId, true)
      return transactions(gateway, false)
    },
    expect: [2, 1]
  },
  'limits.violations_per_minute_max': {
    observe: async (gateway) => {
      const station = await gateway.booted('CP-1')
      for (const _ of [1, 2, 3]) station.raw('[')
      await station.call('StatusNotification', available)
      return (await gateway.events('protocol.violation')).length
    },
    expect: [3, 1]
  },
  'limits.takeovers_max': {
    to: '1',
    observe: async (gateway) => {
      for (const localAddress of ['127.0.0.1', '127.0.0.2', '127.0.0.1'])
        await gateway.knock(`${gateway.url}/CP-1`, ['ocpp1.6'], { localAddress })
      await gateway.stop()
      return gateway.logText().includes('two stations seem to share one charge point id')
    },
    expect: [false, true]
  },
  'limits.refusals_per_minute_max': {
    observe: async (gateway) => {
      await refuse(gateway, 5)
      await gateway.booted('CP-1')
      return (await gateway.events('connection.refused')).length
    },
    expect: [5, 3]
  }
}

/** Every key of the schema and how it is seen that it has an effect. */
export const effects: Readonly<Record<string, Effect>> = {
  ...serverEffects,
  ...apiEffects,
  ...logEffects,
  ...eventEffects,
  ...sessionEffects,
  ...clusterEffects
}
