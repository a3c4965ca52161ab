import { strictEqual, throws } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { utcText } from '../../src/lib/utc-text.ts'

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
