import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gatewaySettings, serverSettings } from '../../../src/app/settings.ts'
import type { GatewayInProcess } from '../../support/gateway-in-process.ts'
import type { Station } from '../../support/station.ts'
import type { Effect } from './effect.ts'
import { available, fill, fullLog, longMs, mute, refuse, relieve, statusOf } from './kit.ts'

/** Code of the close frame when it came, else whether the station is still answered. */
async function fate(station: Station): Promise<number | 'answered'> {
  const asked = station.call('Heartbeat', {}).then(
    () => 'answered' as const,
    async () => (await station.closed).code
  )
  return asked
}

function allowing(...ids: string[]): string {
  return `charge_points: [${ids.join(', ')}]\nid_tokens: "*"\n`
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

export const sessionEffects: Readonly<Record<string, Effect>> = {
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
    provenBy: ['gateway/command-desk.test.ts', 'what a command does not say is filled in from the settings']
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
      'server/hostile.test.ts',
      'many small bombs while reading is paused end as inbox_full, in bounded memory'
    ]
  },
  'limits.send_buffer_bytes_max': {
    reaches: (config) => serverSettings(config).sendBufferBytesMax,
    provenBy: ['server/connection.test.ts', 'a peer that does not read is cut, by a send, a ping or a pong']
  },
  'limits.handshakes_max': {
    reaches: (config) => serverSettings(config).handshakesMax,
    provenBy: [
      'server/handshakes.test.ts',
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
      // Minutes are those of the clock, and all five must be refused in one.
      const leftMs = 60_000 - (Date.now() % 60_000)
      if (leftMs < longMs) await sleep(leftMs)
      await refuse(gateway, 5)
      await gateway.booted('CP-1')
      return (await gateway.events('connection.refused')).length
    },
    expect: [5, 3]
  }
}
