import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeCursor } from '../../src/api/cursor.ts'
import { FakeEventLog } from './support/fake-event-log.ts'
import { Harness } from './support/harness.ts'

interface Page {
  readonly events: { readonly id: string }[]
  readonly next: string
  readonly more: boolean
}

function idsOf(page: Page): string[] {
  return page.events.map(({ id }) => id)
}

function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `event ${from + i}`)
}

async function page(harness: Harness, query = ''): Promise<Page> {
  return (await harness.call(`/v1/events${query}`)).json() as Page
}

test('without a cursor a page begins at the oldest event kept, next leads on', async () => {
  const harness = new Harness()
  harness.log.fill(10)
  harness.log.trimTo(4)
  const first = await page(harness, '?limit=5')
  deepStrictEqual([idsOf(first), first.more], [numbered(4, 8), true])
  const second = await page(harness, `?limit=5&after=${first.next}`)
  deepStrictEqual([idsOf(second), second.more], [numbered(9, 10), false])
  const third = await page(harness, `?after=${second.next}`)
  deepStrictEqual([third.events, third.next], [[], second.next])
})

test('an empty log gives an empty page with a next', async () => {
  const harness = new Harness()
  const empty = await page(harness)
  deepStrictEqual(empty.events, [])
  harness.log.fill(1)
  deepStrictEqual(idsOf(await page(harness, `?after=${empty.next}`)), ['event 1'])
})

test('latest begins behind the last event', async () => {
  const harness = new Harness()
  harness.log.fill(3)
  const { events, next } = await page(harness, '?after=latest')
  deepStrictEqual(events, [])
  harness.log.fill(1)
  deepStrictEqual(idsOf(await page(harness, `?after=${next}`)), ['event 4'])
})

test('no page passes the last event on disk', async () => {
  const harness = new Harness()
  harness.log.fill(2)
  const text = (await harness.api.inject({ url: '/v1/events' })).json().events[0]
  harness.log.hold({ chargePointId: 'CP-1', type: 'x', text: JSON.stringify({ ...text, id: 'not on disk' }) })
  const before = await page(harness)
  deepStrictEqual([idsOf(before), before.more], [numbered(1, 2), false])
  harness.log.flush()
  deepStrictEqual(idsOf(await page(harness, `?after=${before.next}`)), ['not on disk'])
})

test('events go out byte for byte as they were stored', async () => {
  const harness = new Harness()
  const texts = ['{"id":"1", "specversion":"1.0","n":1.0e2,  "s":"\\u00e4 ä"}', '{"z":1,"a":12345678901234567890}']
  await harness.log.append(texts.map((text) => ({ chargePointId: 'CP-1', type: 'x', text, changes: [] })))
  const json = await harness.api.inject({ url: '/v1/events' })
  ok(json.body.startsWith(`{"events":[${texts.join(',')}],"next":"`))
  const lines = await harness.api.inject({ url: '/v1/events', headers: { accept: 'application/x-ndjson' } })
  strictEqual(lines.body, `${texts.join('\n')}\n`)
  strictEqual(lines.headers['cpg-next-cursor'], json.json().next)
  strictEqual(lines.headers['cpg-more'], 'false')
})

test('events are filtered by charge point and type, repeated, as a list and by prefix', async () => {
  const harness = new Harness()
  harness.log.fill(1, 'CP-1', 'transaction.started')
  harness.log.fill(1, 'CP-2', 'transaction.ended')
  harness.log.fill(1, 'CP,3', 'meter.values')
  harness.log.fill(1, 'CP-1', 'security.event')
  const cases: Record<string, number[]> = {
    '?chargePointId=CP-1': [1, 4],
    '?chargePointId=CP-1&chargePointId=CP-2': [1, 2, 4],
    '?chargePointId=CP-1,CP-2': [1, 2, 4],
    '?chargePointId=CP%2C3': [3],
    '?type=transaction.started,security.event': [1, 4],
    '?type=transaction.*': [1, 2],
    '?type=transaction.*&type=meter.values&chargePointId=CP-2': [2],
    '?type=*': [1, 2, 3, 4],
    '?type=transaction': []
  }
  for (const [query, expected] of Object.entries(cases))
    deepStrictEqual(
      idsOf(await page(harness, query)),
      expected.map((n) => `event ${n}`),
      query
    )
})

test('a page scans a bounded part of the log and leads on from there', async () => {
  const harness = new Harness({ pageEventsMax: 5 })
  harness.log.fill(120, 'CP-1')
  harness.log.fill(1, 'CP-2')
  let cursor: string | undefined
  const found: string[] = []
  const pages: boolean[] = []
  for (let more = true; more; ) {
    const one: Page = await page(harness, `?chargePointId=CP-2${cursor ? `&after=${cursor}` : ''}`)
    found.push(...idsOf(one))
    pages.push(one.more)
    cursor = one.next
    more = one.more
  }
  deepStrictEqual([found, pages], [['event 121'], [true, true, false]])
})

test('reading on while events are written never skips and never repeats one', async () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 30 }),
      id: fc.constantFrom('CP-1', 'CP-2')
    }),
    fc.record({
      kind: fc.constant('page' as const),
      limit: fc.integer({ min: 1, max: 50 }),
      during: fc.integer({ min: 0, max: 20 })
    })
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.constantFrom('', 'CP-1', 'CP-9'), async (steps, id) => {
      const harness = new Harness({ pageEventsMax: 50 })
      const filter = id === '' ? '' : `&chargePointId=${id}`
      const found: string[] = []
      let after = 'oldest'
      const read = async (limit: number, during: number): Promise<boolean> => {
        const pending = harness.api.inject({ url: `/v1/events?after=${after}&limit=${limit}${filter}` })
        for (let i = 0; i < during; i += 1) {
          harness.log.fill(1, i % 2 === 0 ? 'CP-1' : 'CP-2')
          await new Promise(setImmediate)
        }
        const answer = (await pending).json() as Page
        found.push(...idsOf(answer))
        after = answer.next
        return answer.more
      }
      for (const one of steps) {
        if (one.kind === 'append') harness.log.fill(one.count, one.id)
        else await read(one.limit, one.during)
      }
      while (await read(50, 0));
      const all = harness.log.read(0, 1e9, 1e9).filter(({ chargePointId }) => id === '' || chargePointId === id)
      deepStrictEqual(
        found,
        all.map(({ text }) => JSON.parse(text).id)
      )
    }),
    { numRuns: 60 }
  )
})

test('a cursor of another log, of the future or of no log is refused', async () => {
  const harness = new Harness()
  harness.log.fill(3)
  const cases: [string, number, string][] = [
    [encodeCursor('log-b', 1), 409, 'cursor_of_another_log'],
    [encodeCursor(harness.log.id, 4), 409, 'cursor_of_another_log'],
    ['x', 400, 'cursor_unreadable'],
    [`${encodeCursor(harness.log.id, 1)}A`, 400, 'cursor_unreadable'],
    [Buffer.from('01@log-a').toString('base64url'), 400, 'cursor_unreadable'],
    [Buffer.from('99999999999999999@log-a').toString('base64url'), 400, 'cursor_unreadable'],
    [Buffer.from('-1@log-a').toString('base64url'), 400, 'cursor_unreadable']
  ]
  for (const [cursor, status, code] of cases) {
    const response = await harness.call(`/v1/events?after=${cursor}`)
    deepStrictEqual([response.statusCode, response.json().code], [status, code], cursor)
  }
})

test('a cursor whose events were removed answers 410 with the oldest cursor', async () => {
  const harness = new Harness()
  harness.log.fill(10)
  const { next } = await page(harness, '?limit=3')
  harness.log.trimTo(4)
  deepStrictEqual(idsOf(await page(harness, `?after=${next}&limit=1`)), ['event 4'])
  harness.log.trimTo(5)
  const gone = await harness.call(`/v1/events?after=${next}`)
  deepStrictEqual([gone.statusCode, gone.json().code], [410, 'cursor_trimmed'])
  deepStrictEqual(idsOf(await page(harness, `?after=${gone.json().oldest}&limit=1`)), ['event 5'])
})

test('retention that goes past a page while it is read cuts the page, it leaves no hole', async () => {
  class TrimmingLog extends FakeEventLog {
    override read(after: number, limit: number, bytesMax: number): ReturnType<FakeEventLog['read']> {
      const records = super.read(after, Math.min(limit, 2), bytesMax)
      this.trimTo(6)
      return records
    }
  }
  const log = new TrimmingLog()
  const harness = new Harness({}, log)
  log.fill(10)
  const first = await page(harness)
  deepStrictEqual(idsOf(first), ['event 1', 'event 2'])
  strictEqual((await harness.call(`/v1/events?after=${first.next}`)).statusCode, 410)
})

test('follow needs a form that can be followed', async () => {
  const response = await new Harness().call('/v1/events?follow=true')
  deepStrictEqual([response.statusCode, response.json().code], [400, 'invalid_request'])
})
