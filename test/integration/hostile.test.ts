import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { badFrames, badRequests, closeFrame, deflating } from '../support/attacks.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { exchange, frame, readUntil, upgraded, upgradeText } from '../support/raw-client.ts'
import { Scrape } from '../support/scrape.ts'
import { Station } from '../support/station.ts'
import { until } from '../support/until.ts'

// Design promise 7 and known failure A8 against the whole gateway in a process of its own: nothing that a client sends ends
// it or costs a neighbour a message. The neighbours talk through every attack; at the end each answer has its event.

const residentBytesMax = 600 * 1024 * 1024
const neighbourCount = 3

const gateway = new GatewayProcess([
  '--log.level',
  'warn',
  '--server.payload_bytes_max',
  '64KiB',
  '--server.handshake_timeout',
  '1s',
  '--limits.bad_frames_max',
  '20'
])
let talking = true
let pid = 0
const neighbours: { readonly station: Station; readonly done: Promise<void> }[] = []

before(async () => {
  await gateway.start()
  pid = gateway.pid
  for (let n = 0; n < neighbourCount; n++) {
    const station = await Station.connect({ url: gateway.url, id: `NEIGHBOUR-${n}` })
    await station.boot()
    neighbours.push({ station, done: talk(station) })
  }
})
after(() => gateway.remove())

/** One durable CALL after the other, each answered before the next. */
async function talk(station: Station): Promise<void> {
  while (talking) {
    const answer = await station.call('StatusNotification', {
      connectorId: 1,
      errorCode: 'NoError',
      status: 'Available'
    })
    ok(answer.ok, JSON.stringify(answer))
  }
}

/** Every neighbour is answered twice after this was called, the second time to a CALL that was made after it too. */
async function neighboursGoOn(): Promise<void> {
  const soFar = neighbours.map(({ station }) => station.answered.length)
  await until('the neighbours are answered', () =>
    neighbours.every(({ station }, n) => station.answered.length >= (soFar[n] ?? 0) + 2)
  )
}

function raw(): Socket {
  const { hostname, port } = new URL(gateway.url)
  return connect({ host: hostname, port: Number(port), allowHalfOpen: true }).on('error', () => undefined)
}

/** The reason with which the newest connection of a charge point ended, as the log has it. */
async function endOf(id: string): Promise<string> {
  let reason: string | undefined
  await until(`the end of ${id} is in the log`, async () => {
    const [end] = (await gateway.events(`&type=charge_point.disconnected&chargePointId=${id}`)).slice(-1)
    reason = (end?.data as { reason?: string } | undefined)?.reason
    return reason !== undefined
  })
  return reason ?? ''
}

async function booted(id: string): Promise<Station> {
  const station = await Station.connect({ url: gateway.url, id })
  await station.boot()
  return station
}

test('bad handshakes are refused, each with its cause', async () => {
  for (const [what, request, status, code] of badRequests) {
    const answer = await exchange(raw(), request)
    strictEqual(answer.status, status, what)
    strictEqual((JSON.parse(answer.body) as { code: string }).code, code, what)
  }
  await neighboursGoOn()
})

test('a slow loris is refused, a client that goes away in the middle of its handshake is nobody', async () => {
  const loris = ['', 'GET /ocpp/X HT', upgradeText('/ocpp/X').slice(0, -2)].map((bytes) => exchange(raw(), bytes))
  deepStrictEqual(
    (await Promise.all(loris)).map(({ status }) => status),
    [408, 408, 408]
  )
  const gone = raw()
  await once(gone, 'connect')
  gone.write(upgradeText('/ocpp/GONE'))
  gone.resetAndDestroy()
  await neighboursGoOn()
})

test('bad WebSocket frames cost their own connection alone, and its end says why', async () => {
  for (const [n, [what, bytes, reason, code]] of badFrames.entries()) {
    const socket = raw()
    await upgraded(socket, `/ocpp/FRAME-${n}`)
    const told = readUntil(socket, closeFrame(code))
    socket.write(bytes)
    await told
    socket.destroy()
    strictEqual(await endOf(`FRAME-${n}`), reason, what)
  }
  const bomb = raw()
  match(await upgraded(bomb, '/ocpp/BOMB', deflating), /permessage-deflate/)
  const told = readUntil(bomb, closeFrame(1009))
  bomb.write(frame(1, deflateRawSync(Buffer.alloc(50_000_000)), { rsv: 4 }))
  await told
  bomb.destroy()
  strictEqual(await endOf('BOMB'), 'payload_too_big')
  const half = raw()
  await upgraded(half, '/ocpp/HALF')
  half.write(frame(1, '[2,"a","Heartbeat",{}]').subarray(0, 10))
  half.end()
  strictEqual(await endOf('HALF'), 'connection_lost')
  half.destroy()
  await neighboursGoOn()
})

test('frames that are no OCPP end in bad_frames, after as many as the limit allows', async () => {
  const garbage = ['hello', '[', '[]', '[2]', '{}', 'null', '[2,"a"]', '[2,{},"Heartbeat",{}]', '"', '[2,"a",5,{}]']
  const station = await booted('GARBAGE')
  for (let n = 0; n < 5; n++) for (const text of garbage) station.raw(text)
  strictEqual((await station.closed).code, 1008)
  strictEqual(await endOf('GARBAGE'), 'bad_frames')
  await neighboursGoOn()
})

test('huge nested JSON is answered like any other payload that is wrong, and the sender may go on', async () => {
  const station = await booted('NESTED')
  const deep = 20_000
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}']
  ] as const) {
    const nested = `${open.repeat(deep / open.length)}1${close.repeat(deep / open.length)}`
    station.raw(`[2,"deep","DataTransfer",{"vendorId":"V","data":${nested}}]`)
    station.raw(`[2,"deep","StatusNotification",${nested}]`)
    station.raw(nested)
  }
  strictEqual((await station.call('Heartbeat', {})).ok, true)
  await station.close()
  await neighboursGoOn()
})

test('names of JavaScript in payloads, actions and ids are names like any other', async () => {
  const station = await booted('PROTO')
  for (const action of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const answer = await station.call(action, {}, `${action}-id`)
    deepStrictEqual(answer, { ok: false, code: 'NotImplemented' }, action)
  }
  for (const id of ['__proto__', 'constructor'])
    strictEqual((await station.call('Heartbeat', {}, id)).ok, true, `the id ${id}`)
  station.raw(
    '[2,"p","DataTransfer",{"vendorId":"V","__proto__":{"status":"Accepted"},"constructor":{"prototype":{"x":1}}}]'
  )
  strictEqual((await station.call('DataTransfer', { vendorId: '__proto__', messageId: 'constructor' })).ok, true)
  await station.close()
  await neighboursGoOn()
})

test('floods of CALLs, unknown actions and repeated ids: each is answered, and none is two events', async () => {
  const station = await booted('FLOOD')
  const status = { connectorId: 1, errorCode: 'NoError', status: 'Available' }
  const durable = Array.from({ length: 2000 }, (_, n) => station.call('StatusNotification', status, `f-${n}`))
  const unknown = Array.from({ length: 2000 }, (_, n) => station.call(`Unknown${n}`, {}, `u-${n}`))
  ok((await Promise.all(durable)).every(({ ok }) => ok))
  deepStrictEqual(
    [...new Set((await Promise.all(unknown)).map((answer) => (answer.ok ? 'ok' : answer.code)))],
    ['NotImplemented']
  )
  for (let n = 0; n < 500; n++) station.raw(JSON.stringify([2, 'again', 'StatusNotification', status]))
  await station.call('Heartbeat', {})
  strictEqual(station.answered.filter((id) => id === 'again').length, 500)
  const inLog = (await gateway.events('&chargePointId=FLOOD')).map(({ ocppmessageid }) => ocppmessageid)
  const wanted = [...Array.from({ length: 2000 }, (_, n) => `f-${n}`), 'again']
  const times = new Map<string, number>()
  for (const id of inLog) if (id !== undefined) times.set(id, (times.get(id) ?? 0) + 1)
  deepStrictEqual(
    wanted.filter((id) => times.get(id) !== 1),
    []
  )
  await station.close()
  await neighboursGoOn()
})

test('after all of it the process is the same, its memory bounded, and every answer of a neighbour has its one event', async () => {
  talking = false
  await Promise.all(neighbours.map(({ done }) => done))
  strictEqual(gateway.pid, pid)
  strictEqual((await gateway.get('/health/live')).status, 200)
  const resident = (await Scrape.of(gateway.api)).value('cpg_process_resident_memory_bytes')
  ok(resident > 0 && resident < residentBytesMax, `${Math.round(resident / 1024 ** 2)} MiB`)
  for (const { station } of neighbours) {
    const inLog = (await gateway.events(`&chargePointId=${station.id}`)).map(({ ocppmessageid }) => ocppmessageid)
    const said = inLog.filter((id) => id !== undefined)
    deepStrictEqual(said, station.answered, 'what was answered is in the log, in order, once')
  }
  strictEqual(gateway.said.includes('internal_error'), false, gateway.said)
  strictEqual(await gateway.end('SIGTERM'), 0)
})
