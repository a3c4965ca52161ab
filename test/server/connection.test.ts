import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { Connection } from '../../src/server/connection.ts'
import { type CloseReason, closeReasons } from '../../src/session/close-reasons.ts'
import { FakeSocket, openConnection } from './fake-socket.ts'

const flushMicrotasks = () => new Promise<void>((resolve) => setImmediate(resolve))
const reasons = Object.keys(closeReasons) as CloseReason[]

test('sending after the close is a counted no-op', () => {
  const { connection, socket, conversation, metrics } = openConnection()
  connection.send('a')
  connection.close('shutting_down')
  connection.send('b')
  socket.listener.ended(1001)
  connection.send('c')
  connection.ping()
  deepStrictEqual(socket.sent, ['a'])
  strictEqual(metrics.value('frames_after_close_total'), 2)
  deepStrictEqual(conversation.ends, [{ reason: 'shutting_down', peerCode: 1001 }])
})

for (const reason of reasons)
  test(`closing as ${reason} sends its code and text, or cuts the socket`, () => {
    const { connection, socket, conversation, ends, shared } = openConnection()
    connection.close(reason)
    connection.close('internal_error')
    const { wsCode, text } = closeReasons[reason]
    deepStrictEqual(socket.closedWith, wsCode === undefined ? undefined : { code: wsCode, text })
    strictEqual(socket.terminated, wsCode === undefined)
    ok(Buffer.byteLength(text) <= 123)
    strictEqual(shared.keepAlive.size, 0)
    socket.listener.ended(undefined)
    strictEqual(conversation.reason, reason)
    deepStrictEqual(ends, [reason])
  })

test('an end that nobody here decided is told apart by whether a close frame came', () => {
  const lost = openConnection()
  lost.socket.listener.ended(undefined)
  deepStrictEqual(lost.conversation.ends, [{ reason: 'connection_lost', peerCode: undefined }])
  const closed = openConnection()
  closed.socket.isOpen = false
  closed.connection.close('replaced')
  closed.socket.listener.ended(1001)
  deepStrictEqual(closed.conversation.ends, [{ reason: 'closed_by_charge_point', peerCode: 1001 }])
})

test('a protocol fault is the reason, whatever comes after it', () => {
  const { connection, socket, conversation } = openConnection()
  socket.isOpen = false
  socket.listener.failed('invalid_utf8')
  connection.close('replaced')
  socket.listener.text('late', 4)
  socket.listener.ended(1000)
  deepStrictEqual(conversation.ends, [{ reason: 'invalid_utf8', peerCode: 1000 }])
  deepStrictEqual(conversation.frames, [])
})

test('a binary frame closes with 1003', () => {
  const { socket } = openConnection()
  socket.listener.binary(3)
  strictEqual(socket.closedWith?.code, 1003)
})

test('a peer that does not read is cut, by a send, a ping or a pong', () => {
  for (const write of ['send', 'ping', 'pong'] as const) {
    const { connection, socket, conversation } = openConnection({ sendBufferBytesMax: 1000 })
    socket.bufferedBytes = 1000
    connection.send('at the limit')
    socket.bufferedBytes = 1001
    if (write === 'send') connection.send('over')
    else if (write === 'ping') connection.ping()
    else socket.listener.pinged(Buffer.from('x'))
    strictEqual(socket.terminated, true)
    deepStrictEqual(socket.sent, ['at the limit'])
    socket.listener.ended(undefined)
    strictEqual(conversation.reason, 'not_reading')
  }
})

test('a flood of pings is answered by a bounded number of pongs, the last ping always', () => {
  const { socket } = openConnection()
  for (let n = 1; n <= 1000; n++) socket.listener.pinged(Buffer.from(String(n)))
  strictEqual(socket.pongs.length, 16)
  socket.drain()
  deepStrictEqual(
    socket.pongs.map(({ data }) => data),
    ['1000']
  )
})

test('frames read before the pause took effect are kept and delivered in order on resume', async () => {
  const { connection, socket, conversation } = openConnection()
  conversation.onFrame = (text) => text === '1' && connection.pause('inflight')
  for (const text of ['1', '2', '3']) socket.listener.text(text, 1)
  deepStrictEqual(conversation.frames, ['1'])
  strictEqual(socket.paused, true)
  connection.resume('inflight')
  deepStrictEqual(conversation.frames, ['1'], 'never from within resume')
  socket.listener.text('4', 1)
  await flushMicrotasks()
  deepStrictEqual(conversation.frames, ['1', '2', '3', '4'])
  strictEqual(socket.paused, false)
})

test('a pause during the delivery stops it, and the next resume goes on where it stopped', async () => {
  const { connection, socket, conversation } = openConnection()
  connection.pause('log')
  conversation.onFrame = () => connection.pause('inflight')
  for (const text of ['1', '2', '3']) socket.listener.text(text, 1)
  connection.resume('log')
  for (const length of [1, 2, 3]) {
    await flushMicrotasks()
    strictEqual(conversation.frames.length, length)
    strictEqual(socket.paused, true)
    connection.resume('inflight')
  }
  await flushMicrotasks()
  strictEqual(socket.paused, false)
})

test('reading goes on when no name holds it, and each name counts once', async () => {
  const { connection, socket, shared } = openConnection()
  connection.pause('log')
  connection.pause('log')
  connection.pause('inflight')
  deepStrictEqual(shared.paused, { log: 1, inflight: 1, stop: 0 })
  connection.resume('log')
  strictEqual(socket.paused, true)
  connection.resume('log')
  connection.resume('inflight')
  strictEqual(socket.paused, false)
  deepStrictEqual(shared.paused, { log: 0, inflight: 0, stop: 0 })
  connection.pause('log')
  connection.close('replaced')
  strictEqual(socket.paused, false, 'the answer to the close frame has to be read')
  deepStrictEqual(shared.paused, { log: 0, inflight: 0, stop: 0 })
})

test('more than the inbox holds closes the connection; nothing is dropped silently', () => {
  const { connection, socket, conversation, metrics } = openConnection({ inboxBytesMax: 1000 })
  connection.pause('inflight')
  for (let n = 0; n < 100; n++) socket.listener.text('', 0)
  socket.listener.ended(undefined)
  strictEqual(conversation.reason, 'inbox_full')
  strictEqual(socket.closedWith?.code, closeReasons.inbox_full.wsCode)
  ok(metrics.value('oddities_total', { what: 'discarded_at_close' }) > 0)
})

test('frames kept at the end of the socket are delivered first, unless the log is full', () => {
  const inflight = openConnection()
  inflight.connection.pause('inflight')
  inflight.socket.listener.text('1', 1)
  inflight.socket.listener.ended(undefined)
  deepStrictEqual(inflight.conversation.frames, ['1'])
  strictEqual(inflight.conversation.ends.length, 1)
  const full = openConnection()
  full.connection.pause('log')
  full.socket.listener.text('1', 1)
  full.socket.listener.ended(undefined)
  deepStrictEqual(full.conversation.frames, [])
  strictEqual(full.metrics.value('oddities_total', { what: 'discarded_at_close' }), 1)
})

test('a conversation that throws costs its own connection alone (design promise 7)', () => {
  const { socket, conversation, log } = openConnection()
  conversation.onFrame = () => {
    throw new Error('a bug of ours')
  }
  socket.listener.text('1', 1)
  strictEqual(socket.closedWith?.code, 1011)
  match(JSON.stringify(log.lines), /CP-1/)
  socket.listener.ended(1011)
  strictEqual(conversation.reason, 'internal_error')
})

test('a throw in open or closed is logged, and the connection is accounted for all the same', () => {
  const { shared, log, ends } = openConnection()
  const socket = new FakeSocket()
  const connection = new Connection(shared, socket, 'CP-2', '1.6')
  connection.open(() => {
    throw new Error('a bug of ours')
  })
  strictEqual(socket.closedWith?.code, 1011)
  socket.listener.text('1', 1)
  socket.listener.ended(1011)
  const other = new Connection(shared, new FakeSocket(), 'CP-3', '1.6')
  other.open(() => ({
    frame() {},
    closed() {
      throw new Error('a bug of ours')
    }
  }))
  other.ended(undefined)
  deepStrictEqual(ends, ['internal_error', 'connection_lost'])
  strictEqual(log.lines.length, 2)
})

test('silence is an idle timeout; a frame of any kind is life (known failure A6)', () => {
  for (const life of ['text', 'ping', 'pong', 'none'] as const) {
    const { clock, socket, conversation } = openConnection()
    for (let n = 0; n < 4; n++) {
      clock.advance(100_000)
      if (life === 'text') socket.listener.text('', 0)
      if (life === 'ping') socket.listener.pinged(Buffer.alloc(0))
      if (life === 'pong') socket.listener.ponged()
    }
    strictEqual(socket.terminated, life === 'none')
    socket.listener.ended(undefined)
    strictEqual(conversation.reason, life === 'none' ? 'idle_timeout' : 'connection_lost')
  }
})

// Known failure A1: a ping raced a close and ended the process at 20,000 connections; the handler that hid it was dead
// code by the time it was needed. So no interleaving may throw, write after the close, or tell of the end twice.
type Step = (subject: ReturnType<typeof openConnection>) => void | Promise<void>
const steps: Readonly<Record<string, Step>> = {
  send: ({ connection }) => connection.send('[3,"1",{}]'),
  ping: ({ connection }) => connection.ping(),
  'peer pings': ({ socket }) => socket.listener.pinged(Buffer.from('p')),
  'peer sends': ({ socket }) => socket.listener.text('[2,"1","Heartbeat",{}]', 22),
  'peer sends binary': ({ socket }) => socket.listener.binary(2),
  'peer closes': ({ socket }) => {
    socket.isOpen = false
  },
  'protocol fault': ({ socket }) => {
    socket.isOpen = false
    socket.listener.failed('protocol_error')
  },
  'socket ends': ({ socket }) => {
    socket.isOpen = false
    socket.listener.ended(undefined)
  },
  'buffer fills': ({ socket }) => {
    socket.bufferedBytes += 600
  },
  drain: ({ socket }) => socket.drain(),
  close: ({ connection }) => connection.close('replaced'),
  cut: ({ connection }) => connection.close('idle_timeout'),
  'pause for the log': ({ connection }) => connection.pause('log'),
  'pause for answers': ({ connection }) => connection.pause('inflight'),
  'resume from the log': ({ connection }) => connection.resume('log'),
  'resume from answers': ({ connection }) => connection.resume('inflight'),
  'time passes': ({ clock }) => clock.advance(60_000),
  microtasks: flushMicrotasks
}

test('no interleaving throws, writes after the close, or ends twice (known failure A1)', async () => {
  const names = fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(names, fc.constantFrom(...Object.keys(steps)), async (script, reaction) => {
      const subject = openConnection({ inboxBytesMax: 300 })
      const { socket, conversation, connection, shared } = subject
      // The gateway reacts from within a frame, too.
      let reactionsLeft = 20
      conversation.onFrame = () => {
        if (reactionsLeft-- > 0 && reaction !== 'microtasks') steps[reaction]?.(subject)
      }
      for (const name of script) await steps[name]?.(subject)
      await flushMicrotasks()
      ok(conversation.ends.length <= 1)
      const received = conversation.frames.length
      await steps['socket ends']?.(subject)
      await flushMicrotasks()
      strictEqual(conversation.ends.length, 1)
      const frames = conversation.frames.length
      ok(conversation.ends[0]?.reason !== 'connection_lost' || frames >= received)
      for (const name of Object.keys(steps)) await steps[name]?.(subject)
      strictEqual(conversation.frames.length, frames, 'no frame after closed')
      strictEqual(conversation.ends.length, 1)
      strictEqual(shared.keepAlive.size, 0)
      deepStrictEqual(shared.paused, { log: 0, inflight: 0, stop: 0 })
      strictEqual(subject.ends.length, 1)
      strictEqual(connection.totals().framesOut, socket.sent.length)
      deepStrictEqual(subject.log.lines, [], 'nothing was thrown and logged away')
    }),
    { numRuns: 1000 }
  )
})

test('what is received while open is delivered in order, whatever is paused and resumed (known failure A12)', async () => {
  const moves = fc.array(
    fc.constantFrom(
      'peer sends',
      'pause for the log',
      'pause for answers',
      'resume from the log',
      'resume from answers',
      'microtasks'
    ),
    { maxLength: 60 }
  )
  await fc.assert(
    fc.asyncProperty(moves, fc.nat({ max: 3 }), async (script, every) => {
      const subject = openConnection({ inboxBytesMax: 1_000_000 })
      const { socket, conversation, connection } = subject
      let sent = 0
      conversation.onFrame = (text) => every > 0 && Number(text) % every === 0 && connection.pause('inflight')
      for (const name of script)
        if (name === 'peer sends') socket.listener.text(String(sent++), 1)
        else await steps[name]?.(subject)
      for (let round = 0; round <= sent + 1; round++) {
        connection.resume('log')
        connection.resume('inflight')
        await flushMicrotasks()
      }
      deepStrictEqual(
        conversation.frames,
        Array.from({ length: sent }, (_, n) => String(n))
      )
      strictEqual(socket.paused, false)
    }),
    { numRuns: 300 }
  )
})
