import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { ago, cut, plain, table } from '../../../src/cli/client/text.ts'

test('a table lines up and leaves empty columns out', () => {
  deepStrictEqual(
    table(
      ['ID', 'X', 'MODEL'],
      [
        ['CP-1', '', 'Acme'],
        ['CP-100', '', 'B']
      ],
      80
    ),
    ['ID      MODEL', 'CP-1    Acme', 'CP-100  B']
  )
})

test('the widest column gives way first', () => {
  deepStrictEqual(
    table(
      ['ID', 'WHY'],
      [
        ['CP-1', 'x'.repeat(30)],
        ['CP-2', 'short']
      ],
      20
    ),
    ['ID    WHY', `CP-1  ${'x'.repeat(13)}\u2026`, 'CP-2  short']
  )
})

test('a table fits any width', () => {
  const cells = fc.array(fc.string({ unit: 'grapheme-composite', maxLength: 40 }), { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(fc.array(cells, { maxLength: 5 }), fc.integer({ min: 1, max: 120 }), (rows, width) => {
      for (const line of table(['A', 'BB', 'CCC', 'DDDD'], rows, width)) ok([...line].length <= width)
    })
  )
})

test('what a stranger wrote cannot drive the terminal', () => {
  strictEqual(plain('a\u001b[31mb\nc\u0007\u009bd'), 'a\u00b7[31mb\u00b7c\u00b7\u00b7d')
  const [, line] = table(['ID'], [['x\u001b]0;title\u0007']], 80)
  strictEqual(line, 'x\u00b7]0;title\u00b7')
})

test('times ago are short', () => {
  const nowMs = Date.UTC(2026, 10, 23)
  const before = (s: number): string => ago(nowMs, new Date(nowMs - s * 1000).toISOString())
  deepStrictEqual([45, 200, 18_600, 1_047_600, -5].map(before), ['45s', '3m 20s', '5h 10m', '12d 3h', '0s'])
})

test('a cut shows that something is left out', () => {
  deepStrictEqual(
    [cut('abcdef', 6), cut('abcdef', 4), cut('abcdef', 1), cut('abc', 0)],
    ['abcdef', 'abc\u2026', '\u2026', '']
  )
})
