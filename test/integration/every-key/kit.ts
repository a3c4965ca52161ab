import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import type { GatewayInProcess } from '../../support/gateway-in-process.ts'
import type { Station } from '../../support/station.ts'

export const available = { connectorId: 1, errorCode: 'NoError', status: 'Available' } as const
export const mute = { onCall: () => undefined }

export function statusOf(answer: WebSocket | number): 'open' | number {
  return typeof answer === 'number' ? answer : 'open'
}

/** Between the two values of a time: so that a busy machine is not taken for a long setting. */
export const longMs = 2_500

export async function tookLong(done: Promise<unknown>): Promise<boolean> {
  const beganMs = performance.now()
  await done
  return performance.now() - beganMs > longMs
}

/** Full logs: a required consumer that reads nothing, and the least room. */
export const fullLog = {
  'event_log.bytes_max': '1MiB',
  'event_log.required_consumers': 'billing',
  'server.payload_bytes_max': '64KiB'
}

/** Speak until nobody answers any more, or `messages` are answered: how many were not. */
export async function fill(gateway: GatewayInProcess, station: Station, messages: number): Promise<number> {
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
export async function relieve(gateway: GatewayInProcess): Promise<void> {
  await gateway.fetch('/v1/consumers/billing', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ cursor: (await gateway.json<{ next: string }>('/v1/events?limit=1000')).next })
  })
}

/** Handshakes without a usable sub-protocol. */
export async function refuse(gateway: GatewayInProcess, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await gateway.knock(`${gateway.url}/CP-${n}`, ['ocpp1.5'])
}

export async function requestStatus(gateway: GatewayInProcess, path: string, init: RequestInit = {}): Promise<number> {
  const response = await gateway.fetch(path, init)
  await response.body?.cancel()
  return response.status
}

/** The value, or `late` when it does not come in time. */
function within<T>(ms: number, promise: Promise<T>): Promise<T | 'late'> {
  return Promise.race([promise, sleep(ms, 'late' as const, { ref: false })])
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
