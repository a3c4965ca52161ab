import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { once } from 'node:events'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { WebSocket } from 'ws'
import { badFrames, badRequests, closeFrame, deflating } from '../support/attacks.ts'
import { exchange, frame, readUntil, upgraded, upgradeText } from '../support/raw-client.ts'
import { startServer, systemClock, type TestServer } from './fakes.ts'

// Nothing that a client sends can end the process or another connection (known failure A8, design promise 7).

/** A charge point that talks the whole time and keeps count: each CALL is sent when the one before was answered. */
class Neighbour {
  readonly #client: WebSocket
  #sent = 0
  #answered = 0
  #stop: (() => void) | undefined

  constructor(url: string) {
    this.#client = new WebSocket(url, ['ocpp1.6'])
    this.#client.on('open', () => this.#call())
    this.#client.on('message', (data) => {
      strictEqual(String(data), `[3,"${this.#sent}",{}]`)
      this.#answered++
      if (this.#stop) this.#stop()
      else setImmediate(() => this.#call())
    })
  }

  #call(): void {
    this.#client.send(`[2,"${++this.#sent}","Heartbeat",{}]`)
  }

  async finish(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#stop = resolve
    })
    strictEqual(this.#client.readyState, WebSocket.OPEN)
    strictEqual(this.#answered, this.#sent)
    ok(this.#answered > 0)
    this.#client.close()
    await once(this.#client, 'close')
  }
}

/** Runs `attack` beside well-behaved neighbours and checks their traffic to the last message. */
async function besideNeighbours(server: TestServer, attack: () => Promise<void>): Promise<void> {
  const neighbours = ['N1', 'N2', 'N3'].map((id) => new Neighbour(server.url(id)))
  await server.gatekeeper.until(() => server.gatekeeper.conversations.length >= 3)
  await attack()
  await Promise.all(neighbours.map((neighbour) => neighbour.finish()))
  await server.gatekeeper.until(() => server.server.connections === 0)
  const { conversations } = server.gatekeeper
  deepStrictEqual(
    conversations.filter(({ ends }) => ends.length !== 1),
    [],
    'every conversation was closed exactly once'
  )
  strictEqual(server.log.lines.length, 0)
}

for (const [what, request, status, code] of badRequests)
  test(`a bad handshake is refused with its cause and kept for diagnosis: ${what}`, async (t) => {
    const server = await startServer(t)
    await besideNeighbours(server, async () => {
      const answer = await exchange(server.raw(), request)
      strictEqual(answer.status, status)
      strictEqual(answer.headers.get('content-type'), 'application/problem+json')
      strictEqual(answer.headers.get('connection'), 'close')
      const problem = JSON.parse(answer.body) as { code: string; status: number; title: string }
      deepStrictEqual([problem.code, problem.status], [code, status])
      strictEqual(answer.body.trim().split('\n').length, 1)
      const { refusals } = server.gatekeeper
      deepStrictEqual(
        refusals.map(({ refusal, about }) => [refusal.code, about.remoteAddress]),
        [[code, '127.0.0.1']]
      )
    })
  })

test('TLS spoken to the plain port is called by its name', async (t) => {
  const server = await startServer(t)
  await exchange(server.raw(), Buffer.from('16030100050100000100', 'hex'))
  match(server.gatekeeper.refusals[0]?.refusal.detail ?? '', /wss:/)
})

for (const [what, bytes] of [
  ['says nothing', ''],
  ['sends half a request line', 'GET /ocpp/X HT'],
  ['sends headers without an end', upgradeText('/ocpp/X').slice(0, -2)]
] as const)
  test(`slow loris that ${what} is refused as handshake_timeout`, async (t) => {
    const server = await startServer(t, { handshakeTimeoutMs: 200 })
    await besideNeighbours(server, async () => {
      const answer = await exchange(server.raw(), bytes)
      strictEqual(answer.status, 408)
      deepStrictEqual(
        server.gatekeeper.refusals.map(({ refusal }) => refusal.code),
        ['handshake_timeout']
      )
    })
  })

for (const [what, bytes, reason, code] of badFrames)
  test(`a bad frame costs its own connection alone, and the peer is told: ${what} (rule 12)`, async (t) => {
    const server = await startServer(t)
    await besideNeighbours(server, async () => {
      const socket = server.raw()
      await upgraded(socket, '/ocpp/BAD')
      const told = readUntil(socket, closeFrame(code))
      socket.write(bytes)
      await told
      socket.destroy()
      await server.gatekeeper.until(() => server.gatekeeper.of('BAD')?.reason !== undefined)
      strictEqual(server.gatekeeper.of('BAD')?.reason, reason)
      deepStrictEqual(server.gatekeeper.of('BAD')?.frames, [])
    })
  })

test('half a frame and then silence waits without harm and ends as connection_lost', async (t) => {
  const server = await startServer(t)
  await besideNeighbours(server, async () => {
    const socket = server.raw()
    await upgraded(socket, '/ocpp/HALF')
    socket.write(frame(1, '[2,"a","Heartbeat",{}]').subarray(0, 10))
    socket.end()
    await server.gatekeeper.until(() => server.gatekeeper.of('HALF')?.reason !== undefined)
    deepStrictEqual(server.gatekeeper.of('HALF')?.ends, [{ reason: 'connection_lost', peerCode: undefined }])
    socket.destroy()
  })
})

test('a connection that is reset ends as connection_lost', async (t) => {
  const server = await startServer(t)
  await besideNeighbours(server, async () => {
    const socket = server.raw()
    await upgraded(socket, '/ocpp/RST')
    socket.resetAndDestroy()
    await server.gatekeeper.until(() => server.gatekeeper.of('RST')?.reason !== undefined)
    strictEqual(server.gatekeeper.of('RST')?.reason, 'connection_lost')
  })
})

test('a flood of tiny frames in one write is delivered whole and in order', async (t) => {
  const server = await startServer(t)
  await besideNeighbours(server, async () => {
    const socket = server.raw()
    await upgraded(socket, '/ocpp/FLOOD')
    socket.write(Buffer.concat(Array.from({ length: 20_000 }, (_, n) => frame(1, String(n)))))
    await server.gatekeeper.until(() => server.gatekeeper.of('FLOOD')?.frames.length === 20_000)
    ok(server.gatekeeper.of('FLOOD')?.frames.every((text, n) => text === String(n)))
    socket.destroy()
  })
})

test('the same flood against a gateway that pauses after every frame loses nothing either', async (t) => {
  const server = await startServer(t)
  const normally = server.gatekeeper.onOpen
  server.gatekeeper.onOpen = (conversation) => {
    normally(conversation)
    if (conversation.handshake.chargePointId !== 'FLOOD') return
    conversation.onFrame = () => {
      conversation.wire.pause('inflight')
      setImmediate(() => conversation.wire.resume('inflight'))
    }
  }
  await besideNeighbours(server, async () => {
    const socket = server.raw()
    await upgraded(socket, '/ocpp/FLOOD')
    socket.write(Buffer.concat(Array.from({ length: 5000 }, (_, n) => frame(1, String(n)))))
    await server.gatekeeper.until(() => server.gatekeeper.of('FLOOD')?.frames.length === 5000)
    ok(server.gatekeeper.of('FLOOD')?.frames.every((text, n) => text === String(n)))
    strictEqual(server.gatekeeper.of('FLOOD')?.reason, undefined)
    socket.destroy()
  })
})

test('a flood of pings is answered, the last one surely, and costs nobody anything', async (t) => {
  const server = await startServer(t)
  await besideNeighbours(server, async () => {
    const socket = server.raw()
    await upgraded(socket, '/ocpp/PING')
    const last = readUntil(socket, /last!/)
    socket.write(Buffer.concat([...Array.from({ length: 20_000 }, () => frame(9)), frame(9, 'last!')]))
    await last
    strictEqual(server.gatekeeper.of('PING')?.reason, undefined)
    ok(server.metrics.value('frames_sent_total', { kind: 'pong' }) < 20_000)
    socket.destroy()
  })
})

test('a peer that never reads is cut as not_reading', async (t) => {
  const server = await startServer(t)
  await besideNeighbours(server, async () => {
    const socket = server.raw()
    await upgraded(socket, '/ocpp/DEAF')
    socket.pause()
    const wire = server.gatekeeper.of('DEAF')?.wire
    const text = 'x'.repeat(60_000)
    const write = () => {
      if (server.gatekeeper.of('DEAF')?.reason !== undefined) return
      wire?.send(text)
      setImmediate(write)
    }
    write()
    await server.gatekeeper.until(() => server.gatekeeper.of('DEAF')?.reason !== undefined)
    strictEqual(server.gatekeeper.of('DEAF')?.reason, 'not_reading')
    socket.destroy()
  })
})

test('a peer that ignores the close frame is cut within the close timeout', async (t) => {
  const server = await startServer(t, { closeTimeoutMs: 50 })
  await besideNeighbours(server, async () => {
    const socket = server.raw()
    await upgraded(socket, '/ocpp/STUBBORN')
    server.gatekeeper.of('STUBBORN')?.wire.close('replaced')
    await once(socket, 'end')
    await server.gatekeeper.until(() => server.gatekeeper.of('STUBBORN')?.reason !== undefined)
    strictEqual(server.gatekeeper.of('STUBBORN')?.reason, 'replaced')
    socket.destroy()
  })
})

test('a message that inflates beyond the payload limit is refused with 1009 (zip bomb)', async (t) => {
  const server = await startServer(t)
  await besideNeighbours(server, async () => {
    const socket = server.raw()
    match(await upgraded(socket, '/ocpp/BOMB', deflating), /permessage-deflate/)
    const told = readUntil(socket, closeFrame(1009))
    socket.write(frame(1, deflateRawSync(Buffer.alloc(50_000_000)), { rsv: 4 }))
    await told
    await server.gatekeeper.until(() => server.gatekeeper.of('BOMB')?.reason !== undefined)
    strictEqual(server.gatekeeper.of('BOMB')?.reason, 'payload_too_big')
    socket.destroy()
  })
})

test('rubbish where compressed data belongs costs its own connection alone', async (t) => {
  const server = await startServer(t)
  await besideNeighbours(server, async () => {
    const socket = server.raw()
    await upgraded(socket, '/ocpp/JUNK', deflating)
    const told = readUntil(socket, closeFrame(1002))
    socket.write(frame(1, Buffer.alloc(200, 0xff), { rsv: 4 }))
    await told
    await server.gatekeeper.until(() => server.gatekeeper.of('JUNK')?.reason !== undefined)
    strictEqual(server.gatekeeper.of('JUNK')?.reason, 'protocol_error')
    socket.destroy()
  })
})

test('many small bombs while reading is paused end as inbox_full, in bounded memory', async (t) => {
  const server = await startServer(t, { inboxBytesMax: 256 * 1024 })
  server.gatekeeper.onOpen = (conversation) => {
    conversation.onFrame = () => conversation.wire.pause('log')
  }
  const socket = server.raw()
  const bomb = frame(1, deflateRawSync(Buffer.alloc(60_000, 0x20)), { rsv: 4 })
  // In one write with the request, so that all of it has been read when the first one brings the pause.
  socket.write(
    Buffer.concat([Buffer.from(upgradeText('/ocpp/BOMBS', deflating)), ...Array.from({ length: 50 }, () => bomb)])
  )
  await server.gatekeeper.until(() => server.gatekeeper.of('BOMBS')?.reason !== undefined)
  strictEqual(server.gatekeeper.of('BOMBS')?.reason, 'inbox_full')
  strictEqual(server.gatekeeper.of('BOMBS')?.frames.length, 1)
  socket.destroy()
})

test('the largest message that is allowed may be on its way in when reading is paused', async (t) => {
  const server = await startServer(t, { inboxBytesMax: 1024, payloadBytesMax: 16 * 1024 })
  server.gatekeeper.onOpen = (conversation) => {
    conversation.onFrame = (text) => text === 'pause' && conversation.wire.pause('inflight')
  }
  const socket = server.raw()
  await upgraded(socket, '/ocpp/LARGE')
  const { gatekeeper } = server
  const large = 'x'.repeat(16 * 1024)
  socket.write(Buffer.concat([frame(1, 'pause'), frame(1, large), frame(1, 'after')]))
  await gatekeeper.until(() => gatekeeper.of('LARGE')?.frames.length === 1)
  gatekeeper.of('LARGE')?.wire.resume('inflight')
  await gatekeeper.until(() => gatekeeper.of('LARGE')?.frames.length === 3)
  deepStrictEqual(gatekeeper.of('LARGE')?.frames, ['pause', large, 'after'])
  socket.destroy()
})

test('random and mutated frames of 300 connections harm nobody, and each ends exactly once', async (t) => {
  const server = await startServer(t)
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc
      .record({
        opcode: fc.constantFrom(0, 1, 1, 1, 2, 8, 9, 10, 15),
        payload: fc.oneof(fc.string({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }).map(Buffer.from)),
        fin: fc.boolean(),
        rsv: fc.constantFrom(0, 0, 0, 4, 7),
        masked: fc.constantFrom(true, true, true, false)
      })
      .map(({ opcode, payload, ...bits }) => frame(opcode, payload, bits))
  )
  const scripts = fc.sample(fc.array(piece, { minLength: 1, maxLength: 12 }), { numRuns: 300, seed: 6455 })
  await besideNeighbours(server, async () => {
    for (const [n, script] of scripts.entries()) {
      const socket = server.raw()
      await upgraded(socket, `/ocpp/FUZZ-${n}`, n % 2 === 0 ? deflating : {})
      socket.end(Buffer.concat(script))
    }
    await server.gatekeeper.until(() => server.server.connections <= 3)
  })
  strictEqual(server.gatekeeper.conversations.length, 303)
})

for (const how of ['reset', 'end', 'destroy'] as const)
  test(`a client that goes away in the middle of the handshake (${how}) harms nobody`, async (t) => {
    const server = await startServer(t)
    await besideNeighbours(server, async () => {
      const socket = server.raw()
      await once(socket, 'connect')
      socket.write(upgradeText('/ocpp/X').slice(0, 40))
      const gone = once(socket, 'close')
      if (how === 'reset') socket.resetAndDestroy()
      else if (how === 'end') socket.end().resume()
      else socket.destroy()
      await gone
      await server.gatekeeper.until(() => server.gatekeeper.refusals.length === 1)
      strictEqual(server.gatekeeper.refusals[0]?.refusal.code, 'bad_upgrade')
    })
  })

test('a client that resets while the gatekeeper still thinks is abandoned exactly once', async (t) => {
  const server = await startServer(t)
  const { gatekeeper } = server
  const waiting = Promise.withResolvers<void>()
  gatekeeper.onAdmit = async (handshake) => {
    if (handshake.chargePointId === 'GONE') await waiting.promise
    return gatekeeper.admitted(handshake)
  }
  await besideNeighbours(server, async () => {
    const socket = server.raw()
    const asked = gatekeeper.onAdmit
    const admitting = new Promise<void>((resolve) => {
      gatekeeper.onAdmit = (handshake) => {
        resolve()
        return asked(handshake)
      }
    })
    socket.write(upgradeText('/ocpp/GONE'))
    await admitting
    socket.resetAndDestroy()
    await once(socket, 'close')
    // The reset has to reach the server before the gatekeeper answers: one round trip of a neighbour is behind it.
    const after = new WebSocket(server.url('AFTER'), ['ocpp1.6'])
    await once(after, 'open')
    waiting.resolve()
    await gatekeeper.until(() => gatekeeper.abandoned === 1)
    strictEqual(gatekeeper.of('GONE'), undefined)
    after.close()
    await once(after, 'close')
  })
})

test('frames that a client sends without waiting for the upgrade are delivered after it', async (t) => {
  const server = await startServer(t)
  const { gatekeeper } = server
  gatekeeper.onAdmit = (handshake) =>
    new Promise((resolve) => systemClock.after(20, () => resolve(gatekeeper.admitted(handshake))))
  const socket = server.raw()
  const answered = readUntil(socket, /\[3,"b",\{\}\]/)
  socket.write(Buffer.concat([Buffer.from(upgradeText('/ocpp/EAGER')), frame(1, '[2,"a","Heartbeat",{}]')]))
  socket.write(frame(1, '[2,"b","Heartbeat",{}]'))
  match(await answered, /101 Switching.*\[3,"a",\{\}\].*\[3,"b",\{\}\]/s)
  socket.destroy()
})

test('a pipelined second request after a refused one ends with the connection', async (t) => {
  const server = await startServer(t)
  await besideNeighbours(server, async () => {
    const answer = await exchange(server.raw(), `GET / HTTP/1.1\r\n\r\n${upgradeText('/ocpp/SECOND')}`)
    strictEqual(answer.status, 426)
    strictEqual(server.gatekeeper.of('SECOND'), undefined)
  })
})
