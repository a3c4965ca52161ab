import { strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, parseDuration } from '../../src/lib/duration.ts'

test('a duration is one or more numbers, each with its unit', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['30s', 30_000],
    ['72h', 259_200_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['1.1s', 1100],
    ['500ms', 500],
    ['0s', 0],
    ['7d', 604_800_000],
    ['30', undefined],
    ['', undefined],
    ['-1s', undefined],
    ['1 s', undefined],
    ['0.5ms', undefined],
    ['1S', undefined],
    ['999999999999999999d', undefined]
  ]
  for (const [text, ms] of cases) strictEqual(parseDuration(text), ms, text)
})

test('a formatted duration reads back as it was', () => {
  fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms))
  strictEqual(formatDuration(7_200_000), '2h')
  strictEqual(formatDuration(150_000), '150s')
})
