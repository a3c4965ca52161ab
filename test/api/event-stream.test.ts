import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { encodeCursor } from '../../src/api/cursor.ts'
import { Harness } from './support/harness.ts'
import { listening, type StreamClient, until } from './support/stream.ts'

const lines = { accept: 'application/x-ndjson' }

function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `event ${from + i}`)
}

async function reaches(client: StreamClient, count: number): Promise<void> {
  await until(() => client.eventCount >= count, `${count} events`)
}

test('a stream gives what is kept, then what comes; each id is a cursor', async (t) => {
  const harness = new Harness()
  const open = await listening(harness, t)
  harness.log.fill(600)
  const client = await open('/v1/events')
  deepStrictEqual([client.status, client.headers['content-type']], [200, 'text/event-stream; charset=utf-8'])
  await reaches(client, 600)
  harness.log.fill(2)
  await reaches(client, 602)
  deepStrictEqual(client.eventIds, numbered(1, 602))
  strictEqual(client.messages[601]?.id, encodeCursor('log-a', 602))
})

test('a stream resumes behind Last-Event-ID, which goes before after', async (t) => {
  const harness = new Harness()
  const open = await listening(harness, t)
  harness.log.fill(10)
  const first = await open('/v1/events')
  await reaches(first, 10)
  first.leave()
  const resumed = await open('/v1/events?after=oldest', {
    accept: 'text/event-stream',
    'last-event-id': first.messages[6]?.id ?? ''
  })
  await reaches(resumed, 3)
  deepStrictEqual(resumed.eventIds, numbered(8, 10))
})

test('a stream from a removed or foreign place is refused', async (t) => {
  const harness = new Harness()
  const open = await listening(harness, t)
  harness.log.fill(10)
  harness.log.trimTo(5)
  const sse = { accept: 'text/event-stream' }
  strictEqual((await open('/v1/events', { ...sse, 'last-event-id': encodeCursor('log-a', 2) })).status, 410)
  strictEqual((await open('/v1/events', { ...sse, 'last-event-id': encodeCursor('log-b', 2) })).status, 409)
  strictEqual((await open('/v1/events', { ...sse, 'last-event-id': 'x' })).status, 400)
})

test('a stream filters, and its heartbeat moves the place to resume past what was dropped', async (t) => {
  const harness = new Harness()
  const open = await listening(harness, t)
  const client = await open('/v1/events?type=transaction.*')
  harness.log.fill(1, 'CP-1', 'transaction.started')
  harness.log.fill(50, 'CP-1', 'meter.values')
  await reaches(client, 1)
  await until(() => harness.log.reads > 1, 'all was looked at')
  harness.clock.advance(15_000)
  await until(() => client.text.includes(': heartbeat'), 'a heartbeat')
  match(client.text, new RegExp(`: heartbeat\nid: ${encodeCursor('log-a', 51)}\n\n`))
  deepStrictEqual(client.eventIds, ['event 1'])
})

test('lines follow the log; heartbeats are empty lines, cursors come when asked for', async (t) => {
  const harness = new Harness()
  const open = await listening(harness, t)
  harness.log.fill(2)
  const plain = await open('/v1/events?follow=true', lines)
  const resumable = await open('/v1/events?follow=true&cursors=true', lines)
  await until(() => plain.lines.length === 2 && resumable.lines.length === 3, 'what is kept')
  strictEqual(plain.headers['content-type'], 'application/x-ndjson; charset=utf-8')
  harness.clock.advance(15_000)
  await until(() => plain.lines.length === 3 && resumable.lines.length === 4, 'heartbeats')
  harness.log.fill(1)
  await until(() => plain.lines.length === 4 && resumable.lines.length === 6, 'what is new')
  deepStrictEqual(
    plain.lines.map((line) => (line === '' ? '' : JSON.parse(line).id)),
    ['event 1', 'event 2', '', 'event 3']
  )
  deepStrictEqual(resumable.lines.slice(2, 4), Array(2).fill(`{"cursor":"${encodeCursor('log-a', 2)}"}`))
  strictEqual(resumable.lines[5], `{"cursor":"${encodeCursor('log-a', 3)}"}`)
})

test('all streams share one subscription, which ends with the last of them', async (t) => {
  const harness = new Harness()
  const open = await listening(harness, t)
  const clients = [await open('/v1/events'), await open('/v1/events')]
  strictEqual(harness.log.subscriptions, 1)
  harness.log.fill(3)
  for (const client of clients) await reaches(client, 3)
  for (const client of clients) client.leave()
  await until(() => harness.log.subscriptions === 0, 'no subscription')
  const later = await open('/v1/events?after=latest')
  harness.log.fill(1)
  await reaches(later, 1)
})

test('readers that keep up share what is read from the log', async (t) => {
  const harness = new Harness({ readersMax: 20 })
  const open = await listening(harness, t)
  const clients: StreamClient[] = []
  for (let i = 0; i < 20; i += 1) clients.push(await open('/v1/events'))
  harness.log.fill(1)
  for (const client of clients) await reaches(client, 1)
  await new Promise(setImmediate)
  const records = harness.log.recordsRead
  harness.log.fill(1)
  for (const client of clients) await reaches(client, 2)
  strictEqual(harness.log.recordsRead - records, 1)
})

test('streams are bounded; one that leaves makes room', async (t) => {
  const harness = new Harness({ readersMax: 2 })
  const open = await listening(harness, t)
  const first = await open('/v1/events')
  await open('/v1/events?follow=true', lines)
  const refused = await open('/v1/events')
  strictEqual(refused.status, 503)
  await until(() => refused.ended, 'its body')
  strictEqual(JSON.parse(refused.text).code, 'readers_exhausted')
  first.leave()
  await until(() => harness.log.subscriptions === 1, 'the other is there')
  let status = 503
  while (status === 503) status = (await open('/v1/events')).status
  strictEqual(status, 200)
})

test('a reader that does not read is cut, the others get everything', async (t) => {
  const harness = new Harness({ readersMax: 10 })
  const open = await listening(harness, t)
  const mute = await open('/v1/events', { accept: 'text/event-stream' }, false)
  const reading = [await open('/v1/events'), await open('/v1/events')]
  const total = 12_000
  for (let i = 0; i < total; i += 1000) {
    harness.log.fill(1000, 'CP-1', 'meter.values', 1000)
    for (const client of reading) await reaches(client, i + 1000)
  }
  // What the mute reader holds up is bounded: the log is not read on for it.
  const readsBefore = harness.log.reads
  await new Promise(setImmediate)
  strictEqual(harness.log.reads, readsBefore)
  harness.clock.advance(29_000)
  ok(!mute.ended)
  harness.clock.advance(1000)
  await until(() => harness.logged.some((line) => /was cut/.test(line)), 'the log line')
  mute.read()
  await until(() => mute.ended, 'the cut')
  ok(mute.eventIds.length < total)
  harness.log.fill(1)
  for (const client of reading) {
    await reaches(client, total + 1)
    deepStrictEqual(client.eventIds, numbered(1, total + 1))
  }
})

test('a reader that catches up in time is not cut', async (t) => {
  const harness = new Harness()
  const open = await listening(harness, t)
  harness.log.fill(12_000, 'CP-1', 'meter.values', 1000)
  const slow = await open('/v1/events', { accept: 'text/event-stream' }, false)
  const readsSeen: number[] = []
  await until(() => {
    readsSeen.push(harness.log.reads)
    return readsSeen.length > 200 && readsSeen.at(-1) === readsSeen.at(-150)
  }, 'it waits for the reader')
  harness.clock.advance(29_000)
  slow.read()
  await reaches(slow, 12_000)
  harness.clock.advance(60_000)
  harness.log.fill(1)
  await reaches(slow, 12_001)
})

test('a stream that retention overtakes ends with a problem that names the oldest cursor', async (t) => {
  const harness = new Harness()
  const open = await listening(harness, t)
  const [events, texts] = [await open('/v1/events'), await open('/v1/events?follow=true', lines)]
  harness.log.fill(2)
  await reaches(events, 2)
  await until(() => texts.lines.length === 2, 'lines')
  for (let i = 0; i < 5; i += 1) harness.log.hold({ chargePointId: 'CP-1', type: 'x', text: '{}' })
  harness.log.trimTo(5)
  harness.log.flush()
  await until(() => events.ended && texts.ended, 'the end')
  const [, data = ''] = /^event: problem\ndata: (.*)$/m.exec(events.text) ?? []
  deepStrictEqual([JSON.parse(data).code, JSON.parse(data).oldest], ['cursor_trimmed', encodeCursor('log-a', 4)])
  strictEqual(JSON.parse(texts.lines.at(-1) ?? '').problem.code, 'cursor_trimmed')
})

test('a stop ends every stream with the place to resume', async (t) => {
  const harness = new Harness()
  const open = await listening(harness, t)
  harness.log.fill(2)
  const client = await open('/v1/events?type=none')
  const texts = await open('/v1/events?follow=true&cursors=true', lines)
  await until(() => texts.lines.length === 3 && harness.log.reads >= 2, 'all was looked at')
  await harness.api.close()
  await until(() => client.ended && texts.ended, 'the end')
  ok(client.text.endsWith(`: the gateway is stopping, resume with Last-Event-ID\nid: ${encodeCursor('log-a', 2)}\n\n`))
  strictEqual(texts.lines.at(-1), `{"cursor":"${encodeCursor('log-a', 2)}"}`)
})

test('a stop does not wait for a reader that does not read', async (t) => {
  const harness = new Harness()
  const open = await listening(harness, t)
  harness.log.fill(12_000, 'CP-1', 'meter.values', 1000)
  const mute = await open('/v1/events', { accept: 'text/event-stream' }, false)
  const closed = harness.api.close()
  harness.clock.advance(1000)
  await closed
  mute.read()
  await until(() => mute.ended, 'the end')
})
