import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { embeddedSettings } from '../../../src/app/settings.ts'
import type { Effect } from './effect.ts'
import { available, fill, refuse, relieve, requestStatus } from './kit.ts'

export const eventEffects: Readonly<Record<string, Effect>> = {
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
      'integration/event-log-fsync.test.ts',
      'the proof can fail: with event_log.sync off the disk lacks what was told'
    ]
  },
  'event_log.linger_max': {
    reaches: (config) => embeddedSettings(config).lingerMsMax,
    provenBy: ['adapters/embedded/linger.test.ts', 'with a limit of 0 nothing ever waits']
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
      // The boot is answered once it is on disk, and so is what came before it.
      await refuse(gateway, 1)
      await gateway.booted('CP-1')
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
      // The boot is answered once it is on disk, and so is what came before it.
      await refuse(gateway, 1)
      await gateway.booted('CP-1')
      const booted = await gateway.events('charge_point.booted')
      const refused = await gateway.events('connection.refused')
      const { id } = await gateway.json<{ id: string }>('/v1/node')
      return [id, ...[...booted, ...refused].map(({ node }) => node)]
    },
    expect: [Array(3).fill('test-host'), Array(3).fill('gw-7')]
  }
}
