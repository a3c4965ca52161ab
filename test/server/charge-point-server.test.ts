import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert'
import { once } from 'node:events'
import { test } from 'node:test'
import { constants, deflateRawSync } from 'node:zlib'
import { WebSocket } from 'ws'
import { refusals } from '../../src/gateway/refusals.ts'
import { createChargePointServer } from '../../src/server/charge-point-server.ts'
import { refusalResponse } from '../../src/server/refusal-response.ts'
import { exchange, frame, parseAnswer, readUntil, upgraded, upgradeText } from '../support/raw-client.ts'
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

test('an address that this machine does not have stops the start and says which key to set', async () => {
  const server = createChargePointServer({
    ...testSettings,
    host: '192.0.2.1',
    gatekeeper: new FakeGatekeeper(),
    clock: systemClock,
    metrics: new CountedMetrics(),
    log: new KeptLog()
  })
  await rejects(server.listen(), { code: 'host_not_available', message: /set server\.host/ })
  await server.close()
})

test('every refusal of the table has an answer in one line that ends the connection', () => {
  for (const code of Object.keys(refusals) as (keyof typeof refusals)[]) {
    const { status, headers, body } = refusalResponse({ code, detail: 'why' })
    strictEqual(status, refusals[code].status)
    strictEqual(headers.Connection, 'close')
    deepStrictEqual(JSON.parse(body), {
      type: 'about:blank',
      title: refusals[code].text,
      status,
      code,
      detail: 'why'
    })
    strictEqual(body.indexOf('\n'), body.length - 1)
    strictEqual(headers['Retry-After'] !== undefined, status === 503)
  }
})

test('header names are read in any case, and exactly the chosen sub-protocol is echoed', async (t) => {
  const { raw } = await startServer(t)
  const socket = raw()
  const request = upgradeText('/ocpp/CP-1', {
    'Sec-WebSocket-Protocol': undefined,
    'SEC-WEBSOCKET-PROTOCOL': 'x, ocpp2.1'
  })
  socket.write(request.replace('Connection: Upgrade', 'connection: keep-alive, upgrade'))
  const answer = parseAnswer(await readUntil(socket, /\r\n\r\n/))
  strictEqual(answer.status, 101)
  strictEqual(answer.headers.get('sec-websocket-protocol'), 'ocpp2.1')
  socket.destroy()
})

test('a station without a sub-protocol gets the default version and no echo (quirk 1, D1)', async (t) => {
  const { raw, gatekeeper } = await startServer(t, { defaultVersion: '1.6' })
  const socket = raw()
  const answer = parseAnswer(
    await (async () => {
      socket.write(upgradeText('/ocpp/OLD', { 'Sec-WebSocket-Protocol': undefined }))
      return readUntil(socket, /\r\n\r\n/)
    })()
  )
  strictEqual(answer.status, 101)
  strictEqual(answer.headers.has('sec-websocket-protocol'), false)
  deepStrictEqual([gatekeeper.of('OLD')?.handshake.version, gatekeeper.of('OLD')?.handshake.subprotocol], ['1.6', ''])
  socket.destroy()
})

test('what the gatekeeper refuses is answered as it says, before the upgrade (rule 5)', async (t) => {
  const { raw, gatekeeper } = await startServer(t)
  gatekeeper.onAdmit = () => ({ ok: false, refusal: { code: 'unknown_charge_point' } })
  const answer = await exchange(raw(), upgradeText('/ocpp/NOBODY?token=x'))
  strictEqual(answer.status, 404)
  strictEqual((JSON.parse(answer.body) as { code: string }).code, 'unknown_charge_point')
  deepStrictEqual(gatekeeper.refusals, [
    {
      refusal: { code: 'unknown_charge_point' },
      about: {
        remoteAddress: '127.0.0.1',
        url: '/ocpp/NOBODY?token=x',
        subprotocols: 'ocpp1.6',
        chargePointId: 'NOBODY'
      }
    }
  ])
})

test('behind a trusted proxy a charge point comes from where the proxy says, admitted or refused', async (t) => {
  const { raw, gatekeeper } = await startServer(t, { trustedProxies: ['127.0.0.0/8'] })
  // A client that has written the header itself, and the line of a balancer after it.
  const lines = 'X-Forwarded-For: 198.51.100.1\r\nx-forwarded-for: 203.0.113.7, 127.0.0.9\r\n\r\n'
  const request = (id: string) => upgradeText(`/ocpp/${id}`).replace(/\r\n$/, lines)
  const socket = raw()
  socket.write(request('CP-1'))
  await readUntil(socket, /\r\n\r\n/)
  strictEqual(gatekeeper.of('CP-1')?.handshake.remoteAddress, '203.0.113.7')
  socket.destroy()
  gatekeeper.onAdmit = () => ({ ok: false, refusal: { code: 'unknown_charge_point' } })
  await exchange(raw(), request('CP-2'))
  await exchange(raw(), request('CP-2').replace('ocpp1.6', 'ocpp9'))
  await exchange(raw(), request('CP-2').replace('Upgrade: websocket\r\n', ''))
  await exchange(raw(), request('CP-2').replace('GET', 'CONNECT'))
  // No request: who the other end of the socket is, is all that can be said.
  await exchange(raw(), 'X-Forwarded-For: 203.0.113.7\r\n\r\n')
  deepStrictEqual(
    gatekeeper.refusals.map(({ refusal, about }) => [refusal.code, about.remoteAddress]),
    [
      ['unknown_charge_point', '203.0.113.7'],
      ['unsupported_subprotocol', '203.0.113.7'],
      ['not_a_websocket', '203.0.113.7'],
      ['not_a_websocket', '203.0.113.7'],
      ['bad_upgrade', '127.0.0.1']
    ]
  )
})

test('who is no trusted proxy cannot say that it comes from elsewhere', async (t) => {
  const { raw, gatekeeper } = await startServer(t, { trustedProxies: ['10.0.0.0/8'] })
  const socket = raw()
  await upgraded(socket, '/ocpp/CP-1', { 'X-Forwarded-For': '203.0.113.7' })
  strictEqual(gatekeeper.of('CP-1')?.handshake.remoteAddress, '127.0.0.1')
  socket.destroy()
})

test('a gatekeeper that throws costs this handshake alone', async (t) => {
  const { raw, gatekeeper, log, url } = await startServer(t)
  gatekeeper.onAdmit = () => Promise.reject(new Error('a bug of ours'))
  strictEqual((await exchange(raw(), upgradeText('/ocpp/CP-1'))).status, 500)
  strictEqual(log.lines.length, 1)
  gatekeeper.onAdmit = (handshake) => gatekeeper.admitted(handshake)
  const client = new WebSocket(url('CP-1'), ['ocpp1.6'])
  await once(client, 'open')
  client.terminate()
})

test('beyond connections_max a station is told to come back later', async (t) => {
  const { raw, gatekeeper } = await startServer(t, { connectionsMax: 1 })
  const first = raw()
  match(await upgraded(first, '/ocpp/ONE'), /101/)
  const answer = await exchange(raw(), upgradeText('/ocpp/TWO'))
  strictEqual(answer.status, 503)
  ok(Number(answer.headers.get('retry-after')) > 0)
  // A station whose old socket is half-open must not be locked out by it (known failure A4).
  const again = raw()
  match(await upgraded(again, '/ocpp/ONE'), /101/)
  again.destroy()
  first.destroy()
  await gatekeeper.until(() => gatekeeper.conversations.every(({ reason }) => reason !== undefined))
  const third = raw()
  match(await upgraded(third, '/ocpp/THREE'), /101/)
  third.destroy()
})

test('a charge point keeps its place in a full server until the last of its sockets has ended', async (t) => {
  const { raw, gatekeeper } = await startServer(t, { connectionsMax: 1 })
  const sockets = [raw(), raw()]
  for (const socket of sockets) match(await upgraded(socket, '/ocpp/ONE'), /101/)
  const ended = () => gatekeeper.conversations.filter(({ reason }) => reason !== undefined).length
  sockets[0]?.destroy()
  await gatekeeper.until(() => ended() === 1)
  const third = raw()
  match(await upgraded(third, '/ocpp/ONE'), /101/)
  strictEqual((await exchange(raw(), upgradeText('/ocpp/TWO'))).status, 503)
  sockets[1]?.destroy()
  await gatekeeper.until(() => ended() === 2)
  third.destroy()
  await gatekeeper.until(() => ended() === 3)
  const other = raw()
  match(await upgraded(other, '/ocpp/TWO'), /101/)
  strictEqual((await exchange(raw(), upgradeText('/ocpp/ONE'))).status, 503)
  other.destroy()
})

test('sockets without a request are bounded too, and those that are dropped are told of', async (t) => {
  const { raw, gatekeeper } = await startServer(t, { connectionsMax: 1, handshakesMax: 1 })
  const sockets = [raw(), raw(), raw()]
  await gatekeeper.until(() => gatekeeper.refusals.length === 1)
  deepStrictEqual(gatekeeper.refusals[0], {
    refusal: { code: 'too_many_connections' },
    about: { remoteAddress: '127.0.0.1' }
  })
  for (const socket of sockets) socket.destroy()
})

test('four handshakes of one id at once all become connections (the gateway decides which one stays)', async (t) => {
  const { raw, gatekeeper, server } = await startServer(t)
  const sockets = await Promise.all(
    Array.from({ length: 40 }, async (_, n) => {
      const socket = raw()
      match(await upgraded(socket, `/ocpp/CP-${Math.floor(n / 4)}`), /101/)
      return socket
    })
  )
  strictEqual(server.connections, 40)
  strictEqual(gatekeeper.conversations.length, 40)
  for (const socket of sockets) socket.destroy()
})

test('permessage-deflate is agreed with 2.x without context takeover, and messages pass it both ways (D10)', async (t) => {
  const { url, gatekeeper } = await startServer(t)
  const client = new WebSocket(url('CP-1'), ['ocpp2.0.1'])
  let agreed = ''
  client.once('upgrade', ({ headers }) => {
    agreed = headers['sec-websocket-extensions'] ?? ''
  })
  await once(client, 'open')
  for (const part of [/permessage-deflate/, /server_no_context_takeover/, /client_no_context_takeover/])
    match(agreed, part)
  const text = JSON.stringify([2, 'a', 'DataTransfer', { data: 'x'.repeat(20_000) }])
  for (let n = 0; n < 5; n++) {
    client.send(text)
    const [answer] = await once(client, 'message')
    strictEqual(String(answer), '[3,"a",{}]')
    gatekeeper.of('CP-1')?.wire.send(text)
    const [call] = await once(client, 'message')
    strictEqual(String(call), text)
  }
  deepStrictEqual(gatekeeper.of('CP-1')?.frames, Array(5).fill(text))
  client.terminate()
})

test('a compressed message may come in fragments, with pings between them', async (t) => {
  const { raw, gatekeeper } = await startServer(t)
  const socket = raw()
  const headers = { 'Sec-WebSocket-Protocol': 'ocpp2.1', 'Sec-WebSocket-Extensions': 'permessage-deflate' }
  await upgraded(socket, '/ocpp/CP-1', headers)
  const text = JSON.stringify([2, 'a', 'DataTransfer', { data: 'abc '.repeat(1000) }])
  const deflated = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
  const message = Array.from(deflated, (byte, n) => [
    frame(n === 0 ? 1 : 0, Buffer.from([byte]), { fin: n === deflated.length - 1, rsv: n === 0 ? 4 : 0 }),
    ...(n < deflated.length - 1 ? [frame(9)] : [])
  ]).flat()
  socket.write(Buffer.concat([...message, ...message, frame(1, 'plain')]))
  await gatekeeper.until(() => gatekeeper.of('CP-1')?.frames.length === 3)
  deepStrictEqual(gatekeeper.of('CP-1')?.frames, [text, text, 'plain'])
  socket.destroy()
})

test('compressed messages of many stations at once arrive whole and in order', async (t) => {
  const { url, gatekeeper } = await startServer(t)
  const stations = ['A', 'B', 'C', 'D'].map((id) => ({ id, client: new WebSocket(url(id), ['ocpp2.0.1']) }))
  await Promise.all(stations.map(({ client }) => once(client, 'open')))
  const text = (id: string, n: number) => JSON.stringify([2, `${n}`, 'DataTransfer', { data: id.repeat(5000) }])
  const received = stations.map(async ({ id, client }) => {
    const texts: string[] = []
    client.on('message', (data) => texts.push(String(data)))
    for (let n = 0; n < 50; n++) {
      client.send(text(id, n))
      gatekeeper.of(id)?.wire.send(text(id, n))
    }
    await gatekeeper.until(() => gatekeeper.of(id)?.frames.length === 50)
    client.close()
    await once(client, 'close')
    return texts.filter((each) => each.startsWith('[2,'))
  })
  for (const [index, { id }] of stations.entries()) {
    const expected = Array.from({ length: 50 }, (_, n) => text(id, n))
    deepStrictEqual(await received[index], expected)
    deepStrictEqual(gatekeeper.of(id)?.frames, expected)
  }
})

for (const [why, protocol, options] of [
  ['with 1.6', 'ocpp1.6', {}],
  ['when it is switched off', 'ocpp2.0.1', { compression: false }]
] as const)
  test(`permessage-deflate is not agreed ${why} (D10)`, async (t) => {
    const { url } = await startServer(t, options)
    const client = new WebSocket(url('CP-1'), [protocol])
    await once(client, 'open')
    strictEqual(client.extensions, '')
    client.terminate()
  })

test('an offer that cannot be served is no reason to refuse: the connection is not compressed', async (t) => {
  const { raw } = await startServer(t)
  const socket = raw()
  const answer = await upgraded(socket, '/ocpp/CP-1', {
    'Sec-WebSocket-Protocol': 'ocpp2.0.1',
    'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=8, ;;='
  })
  match(answer, /101/)
  ok(!/extensions/i.test(answer))
  socket.destroy()
})

test('a silent station is pinged, and stays as long as it pongs', async (t) => {
  const { url, metrics, gatekeeper } = await startServer(t, { pingIntervalMs: 30, idleTimeoutMs: 200 })
  const client = new WebSocket(url('CP-1'), ['ocpp1.6'])
  await once(client, 'open')
  for (let n = 0; n < 10; n++) await once(client, 'ping')
  strictEqual(gatekeeper.of('CP-1')?.reason, undefined)
  ok(metrics.value('frames_sent_total', { kind: 'ping' }) >= 10)
  // From here on it takes pings and says nothing.
  const silent = new WebSocket(url('CP-2'), ['ocpp1.6'], { autoPong: false })
  await once(silent, 'open')
  await gatekeeper.until(() => gatekeeper.of('CP-2')?.reason !== undefined)
  strictEqual(gatekeeper.of('CP-2')?.reason, 'idle_timeout')
  client.terminate()
  silent.terminate()
})

test('while reading is paused nothing is delivered, and on resume everything is', async (t) => {
  const { url, gatekeeper, metrics } = await startServer(t, { pingIntervalMs: 30, idleTimeoutMs: 100 })
  const client = new WebSocket(url('CP-1'), ['ocpp1.6'])
  await once(client, 'open')
  const conversation = gatekeeper.of('CP-1')
  conversation?.wire.pause('log')
  strictEqual(metrics.value('reading_paused', { why: 'log' }), 1)
  for (let n = 0; n < 1000; n++) client.send(`[2,"${n}","Heartbeat",{}]`)
  // Several idle timeouts pass: the idle clock stands while nothing is read, and pings go on.
  for (let n = 0; n < 10; n++) await once(client, 'ping')
  deepStrictEqual(conversation?.frames, [])
  strictEqual(conversation?.reason, undefined)
  conversation?.wire.resume('log')
  await gatekeeper.until(() => conversation?.frames.length === 1000)
  ok(conversation?.frames.every((text, n) => text === `[2,"${n}","Heartbeat",{}]`))
  client.terminate()
})
