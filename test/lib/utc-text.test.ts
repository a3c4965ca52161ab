import { strictEqual, throws } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { nearestUtcText, utcText } from '../../src/lib/utc-text.ts'

test('the text of a time is that of toISOString, in whatever order times are asked for', () => {
  const times = fc.integer({ min: Date.UTC(1, 0, 1), max: Date.UTC(9999, 0, 1) })
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 2500 }), (ms, later) => {
      strictEqual(utcText(ms), new Date(ms).toISOString())
      strictEqual(utcText(ms + later), new Date(ms + later).toISOString())
      strictEqual(utcText(ms), new Date(ms).toISOString())
    })
  )
  strictEqual(utcText(0.9), '1970-01-01T00:00:00.000Z')
})

test('what is no time is refused, as by toISOString', () => {
  throws(() => utcText(Number.NaN), RangeError)
})

test('of what RFC 3339 cannot say the nearest that it can is told, whatever the number', () => {
  for (const [ms, text] of [
    [0, '1970-01-01T00:00:00.000Z'],
    [-1, '1969-12-31T23:59:59.999Z'],
    [-62_167_219_200_001, '0000-01-01T00:00:00.000Z'],
    [-6_795_364_578_871_000_000, '0000-01-01T00:00:00.000Z'],
    [Number.NEGATIVE_INFINITY, '0000-01-01T00:00:00.000Z'],
    [Number.NaN, '0000-01-01T00:00:00.000Z'],
    [253_402_300_800_000, '9999-12-31T23:59:59.999Z'],
    [Number.POSITIVE_INFINITY, '9999-12-31T23:59:59.999Z']
  ] as const)
    strictEqual(nearestUtcText(ms), text)
})
