import { deepStrictEqual, match, rejects, strictEqual } from 'node:assert'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { createChargePointServer } from '../../src/server/charge-point-server.ts'
import { CountedMetrics, FakeGatekeeper, KeptLog, startServer, systemClock, testSettings } from './fakes.ts'

test('a charge point is upgraded with its first known sub-protocol and its CALL is answered', async (t) => {
  const { gatekeeper, url, server, metrics } = await startServer(t)
  const client = new WebSocket(url('CP%201'), ['ocpp9.9', 'ocpp2.0.1', 'ocpp1.6'])
  await once(client, 'open')
  strictEqual(client.protocol, 'ocpp2.0.1')
  client.send('[2,"a","Heartbeat",{}]')
  const [answer] = await once(client, 'message')
  strictEqual(String(answer), '[3,"a",{}]')
  deepStrictEqual(gatekeeper.of('CP 1')?.handshake, {
    chargePointId: 'CP 1',
    version: '2.0.1',
    subprotocol: 'ocpp2.0.1',
    remoteAddress: '127.0.0.1'
  })
  strictEqual(server.connections, 1)
  strictEqual(metrics.value('connections', { version: '2.0.1' }), 1)
  client.close(1000)
  await gatekeeper.until(() => gatekeeper.of('CP 1')?.reason !== undefined)
  deepStrictEqual(gatekeeper.of('CP 1')?.ends, [{ reason: 'closed_by_charge_point', peerCode: 1000 }])
  strictEqual(server.connections, 0)
  deepStrictEqual(gatekeeper.of('CP 1')?.wire.totals(), { bytesIn: 22, bytesOut: 10, framesIn: 1, framesOut: 1 })
})

test('a taken port stops the start and says which key to set', async (t) => {
  const { port } = await startServer(t)
  const second = createChargePointServer({
    ...testSettings,
    port,
    gatekeeper: new FakeGatekeeper(),
    clock: systemClock,
    metrics: new CountedMetrics(),
    log: new KeptLog()
  })
  await rejects(second.listen(), (error: Error & { code?: string }) => {
    strictEqual(error.code, 'port_taken')
    match(error.message, /set server\.port to a free port/)
    return true
  })
  await second.close()
})
