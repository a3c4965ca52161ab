import { deepStrictEqual, strictEqual } from 'node:assert'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { exchange, frame, upgraded, upgradeText } from '../support/raw-client.ts'
import { startServer } from './fakes.ts'

test('a stop refuses handshakes in progress and new ones, and leaves what is connected alone', async (t) => {
  const { raw, gatekeeper, server, url } = await startServer(t)
  const client = new WebSocket(url('CP-1'), ['ocpp1.6'])
  await once(client, 'open')
  const asked = new Promise<void>((resolve) => {
    gatekeeper.onAdmit = () => {
      resolve()
      return new Promise(() => {})
    }
  })
  const waiting = exchange(raw(), upgradeText('/ocpp/CP-2'))
  await asked
  await server.stopAccepting()
  await server.stopAccepting()
  strictEqual((await waiting).status, 503)
  strictEqual(gatekeeper.refusals[0]?.refusal.code, 'shutting_down')
  const late = raw()
  await new Promise((resolve) => late.once('close', resolve))
  client.send('[2,"a","Heartbeat",{}]')
  const [answer] = await once(client, 'message')
  strictEqual(String(answer), '[3,"a",{}]')
  const closed = once(client, 'close')
  await server.close()
  const [code, text] = await closed
  deepStrictEqual([code, String(text)], [1001, 'the gateway is stopping'])
  strictEqual(gatekeeper.of('CP-1')?.reason, 'shutting_down')
  strictEqual(server.connections, 0)
})

test('a close ends although a client keeps an open connection and says nothing', async (t) => {
  const { raw, server } = await startServer(t, { closeTimeoutMs: 50 })
  const silent = raw()
  const upgradedOne = raw()
  await upgraded(upgradedOne, '/ocpp/STUBBORN')
  upgradedOne.write(frame(1, 'half').subarray(0, 3))
  await server.close()
  strictEqual(server.connections, 0)
  silent.destroy()
  upgradedOne.destroy()
})
