import { strictEqual } from 'node:assert'
import { test } from 'node:test'
import { formatSize, parseSize } from '../../src/lib/size.ts'

test('a size is a number with a unit', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['1MiB', 1_048_576],
    ['1.5 KiB', 1536],
    ['2MB', 2_000_000],
    ['10B', 10],
    ['1024', undefined],
    ['1mb', undefined],
    ['0.3B', undefined],
    ['99999TiB', undefined]
  ]
  for (const [text, bytes] of cases) strictEqual(parseSize(text), bytes, text)
})

test('a formatted size is short', () => {
  strictEqual(formatSize(1_048_576), '1MiB')
  strictEqual(formatSize(1536), '1.5KiB')
  strictEqual(formatSize(12), '12B')
})
