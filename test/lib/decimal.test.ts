import { strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { shiftDecimal, subtractDecimal } from '../../src/lib/decimal.ts'

test('16.1 kWh is 16100 Wh, not 16100.000000000002', () => {
  strictEqual(16.1 * 1000, 16100.000000000002)
  strictEqual(shiftDecimal('16.1', 3), 16100)
})

test('a decimal text keeps its value under a shift of nothing, with sign, leading point and exponent', () => {
  strictEqual(shiftDecimal('0', 0), 0)
  strictEqual(shiftDecimal('-12.50', 0), -12.5)
  strictEqual(shiftDecimal('.5', 1), 5)
  strictEqual(shiftDecimal('1.5e-3', 3), 1.5)
  strictEqual(shiftDecimal(' 7 ', 3), 7000)
  strictEqual(shiftDecimal('+7', -3), 0.007)
})

test('what is no decimal number has no value', () => {
  for (const text of ['', '.', 'abc', '0x10', '1,5', 'NaN', 'Infinity', '1e999', '1 2', '--1'])
    strictEqual(shiftDecimal(text, 0), undefined, text)
})

test('any integer of thousandths shifted by three is that integer', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), (n) => {
      const text = `${n < 0 ? '-' : ''}${Math.trunc(Math.abs(n) / 1000)}.${String(Math.abs(n) % 1000).padStart(3, '0')}`
      strictEqual(shiftDecimal(text, 3), n === 0 ? shiftDecimal(text, 3) : n)
    })
  )
})

test('a difference of decimals has no binary rest', () => {
  strictEqual(0.3 - 0.1, 0.19999999999999998)
  strictEqual(subtractDecimal(0.3, 0.1), 0.2)
  strictEqual(subtractDecimal(16100, 1200), 14900)
  strictEqual(subtractDecimal(1200.5, 0.25), 1200.25)
  strictEqual(subtractDecimal(1e-7, 0), 1e-7)
})
