import { setTimeout as sleep } from 'node:timers/promises'
import { serverSettings } from '../../../src/app/settings.ts'
import type { GatewayInProcess } from '../../support/gateway-in-process.ts'
import { upgraded } from '../../support/raw-client.ts'
import type { Effect } from './effect.ts'
import { freePort, longMs, statusOf, tookLong } from './kit.ts'

/** What the first event of this type says, as soon as it can be read. */
async function firstOf(gateway: GatewayInProcess, type: string): Promise<unknown> {
  for (;;) {
    const [first] = await gateway.events(type)
    if (first) return first.data
    await sleep(20)
  }
}

async function endOf(gateway: GatewayInProcess): Promise<{ readonly reason?: unknown; readonly durationMs?: unknown }> {
  return (await firstOf(gateway, 'charge_point.disconnected')) as Awaited<ReturnType<typeof endOf>>
}

async function addressIn(gateway: GatewayInProcess, type: string): Promise<unknown> {
  return ((await firstOf(gateway, type)) as { readonly remoteAddress?: unknown }).remoteAddress
}

const chargePointPort = await freePort()

export const serverEffects: Readonly<Record<string, Effect>> = {
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
  'server.trusted_proxies': {
    observe: async (gateway) => {
      const options = { headers: { 'X-Forwarded-For': '203.0.113.7' } }
      await gateway.knock(`${gateway.url}/CP-1`, ['ocpp1.6'], options)
      await gateway.knock(`${gateway.url}/CP-2`, ['ocpp1.5'], options)
      const { remoteAddress } = await gateway.json<{ remoteAddress: string }>('/v1/charge-points/CP-1')
      const types = ['charge_point.connected', 'connection.refused']
      return [remoteAddress, ...(await Promise.all(types.map((type) => addressIn(gateway, type))))]
    },
    expect: [Array(3).fill('127.0.0.1'), Array(3).fill('203.0.113.7')]
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
    provenBy: ['server/listener.test.ts', 'the backlog and the address are what the system is asked for']
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
