import { apiSettings } from '../../../src/app/settings.ts'
import type { Effect } from './effect.ts'
import { freePort, requestStatus, tookLong } from './kit.ts'

const apiPort = await freePort()

export const apiEffects: Readonly<Record<string, Effect>> = {
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
    provenBy: ['api/event-stream.test.ts', 'a reader that does not read is cut, the others get everything']
  },
  'limits.api_reader_buffer_bytes_max': {
    reaches: (config) => apiSettings(config).readerBufferBytesMax,
    provenBy: ['api/event-stream.test.ts', 'a reader that does not read is cut, the others get everything']
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
