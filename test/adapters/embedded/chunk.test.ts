import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Arrival,
  chunkBytesMax,
  decodeChunk,
  decodeEvents,
  encodeChunks
} from '../../../src/adapters/embedded/chunk.ts'
import type { LogRecord } from '../../../src/ports/event-log.ts'

const arrival = (text: string, chargePointId = 'CP-1'): Arrival => ({
  entry: { chargePointId, type: 'meter.values', text, changes: [] },
  appendedAtMs: 1_763_892_000_123
})

/** Well-formed text of every width that UTF-8 has; JSON text is always well-formed. */
const anyText = fc.string({ unit: 'binary', maxLength: 3_000 }).map((text) => text.toWellFormed())

test('events of any size and alphabet come back as they went in, from any position on', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyText, fc.string({ unit: 'grapheme', maxLength: 48 })), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 2 ** 50 }),
      fc.nat(40),
      (texts, first, skip) => {
        const arrivals = texts.map(([text, id]) => arrival(text, id.toWellFormed()))
        const records: LogRecord[] = []
        let next = first
        let bytes = 1_000
        for (const chunk of encodeChunks(arrivals, first, bytes)) {
          const { value, ...facts } = chunk
          deepStrictEqual(decodeChunk(chunk.firstPosition, value), facts)
          strictEqual(chunk.firstPosition, next)
          strictEqual(chunk.bytesBefore, bytes)
          next = chunk.lastPosition + 1
          bytes += chunk.bytes
          decodeEvents(chunk.firstPosition, value, first + skip - 1, (record) => records.push(record) > 0)
        }
        const expected = arrivals.map(({ entry: { changes: _, ...event }, appendedAtMs }, index) => ({
          position: first + index,
          appendedAtMs,
          ...event
        }))
        deepStrictEqual(
          records.map((record) => ({ ...record })),
          expected.slice(skip).map(({ position, appendedAtMs, chargePointId, type, text }) => ({
            position,
            appendedAtMs,
            chargePointId,
            type,
            text
          }))
        )
      }
    ),
    { numRuns: 200 }
  )
})

test('a chunk is filled up to one page and no further, unless one event alone is larger', () => {
  const arrivals = Array.from({ length: 100 }, (_, n) => arrival('x'.repeat(n === 50 ? 20_000 : 600)))
  const chunks = encodeChunks(arrivals, 1, 0)
  for (const { value, firstPosition, lastPosition } of chunks) {
    ok(value.length <= chunkBytesMax || firstPosition === lastPosition, `${value.length} bytes`)
  }
  strictEqual(chunks.length, 19, 'six of these fit into a page; the large one stands alone')
})

test('decoding stops when it is told to', () => {
  const [chunk] = encodeChunks([arrival('1'), arrival('2'), arrival('3')], 10, 0)
  ok(chunk)
  const taken: number[] = []
  const finished = decodeEvents(10, chunk.value, 0, ({ position }) => {
    taken.push(position)
    return position < 11
  })
  strictEqual(finished, false)
  deepStrictEqual(taken, [10, 11])
})
