import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseDeviceTime } from '../../src/events/device-time.ts'

const receivedAtMs = Date.parse('2026-11-23T10:00:00.123Z')

function parse(raw: unknown) {
  const flags: string[] = []
  const time = parseDeviceTime(raw, receivedAtMs, (name) => flags.push(name))
  return { ...time, flags }
}

test('a regular time is read with its zone and fraction, and gets no flag', () => {
  deepStrictEqual(parse('2026-11-23T10:00:01.623Z'), {
    raw: '2026-11-23T10:00:01.623Z',
    utc: '2026-11-23T10:00:01.623Z',
    skewMs: 1500,
    flags: []
  })
  strictEqual(parse('2026-11-23T12:30:00.123456+02:30').utc, '2026-11-23T10:00:00.123Z')
  deepStrictEqual(parse('2026-11-23T12:30:00+02:30').flags, [])
})

// Quirk 23: what real stations send.
test('a time that stations write in their own way is read and flagged', () => {
  const irregular: readonly (readonly [raw: string, utc: string, flags: readonly string[]])[] = [
    ['2026-11-23T09:59:59', '2026-11-23T09:59:59.000Z', ['deviceTime.noZone']],
    ['2026-11-23 09:59:59', '2026-11-23T09:59:59.000Z', ['deviceTime.noZone', 'deviceTime.irregular']],
    ['2026-11-23T12:59:59+03', '2026-11-23T09:59:59.000Z', ['deviceTime.irregular']],
    ['2026-11-23T12:59:59+0300', '2026-11-23T09:59:59.000Z', ['deviceTime.irregular']],
    ['2026-11-23T06:29:59-3:30', '2026-11-23T09:59:59.000Z', ['deviceTime.irregular']],
    ['2026-11-23T09:59Z', '2026-11-23T09:59:00.000Z', ['deviceTime.irregular']],
    ['2026-11-23t09:59:59,5z', '2026-11-23T09:59:59.500Z', ['deviceTime.irregular']],
    ['2026-1-2T3:04:05Z', '2026-01-02T03:04:05.000Z', ['deviceTime.irregular']],
    ['2026-02-30T00:00:00Z', '2026-03-02T00:00:00.000Z', ['deviceTime.irregular']],
    ['2026-11-22T24:00:00Z', '2026-11-23T00:00:00.000Z', ['deviceTime.irregular']],
    ['2026-11-23T09:59:59 UTC', '2026-11-23T09:59:59.000Z', ['deviceTime.irregular']]
  ]
  for (const [raw, utc, flags] of irregular) {
    const parsed = parse(raw)
    strictEqual(parsed.raw, raw)
    strictEqual(parsed.utc, utc, raw)
    deepStrictEqual(parsed.flags, flags, raw)
  }
})

test('a clock that was never set, or is a day ahead, is implausible and still told', () => {
  for (const raw of ['1970-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '2026-11-24T10:00:01Z', '2099-01-01T00:00:00Z'])
    deepStrictEqual(parse(raw).flags, ['deviceTime.implausible'], raw)
  strictEqual(parse('0001-01-01T00:00:00Z').utc, '0001-01-01T00:00:00.000Z')
  // Local time marked Z: no zone is further ahead than 14 hours.
  deepStrictEqual(parse('2026-11-24T00:00:00Z').flags, [])
})

test('what is no time is kept as it came, without a time', () => {
  for (const raw of ['', 'yesterday', '2026-13-01T00:00:00Z', '2026-11-23T25:00:00Z', '23.11.2026 10:00', '1764000000'])
    deepStrictEqual(parse(raw), { raw, flags: ['deviceTime.unparsable'] }, raw)
  deepStrictEqual(parse(1764000000), { raw: '1764000000', flags: ['deviceTime.unparsable'] })
})

test('a canonical time is read as any other', () => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(2010, 0, 1), max: receivedAtMs }), fc.boolean(), (ms, isWhole) => {
      const utc = new Date(isWhole ? Math.floor(ms / 1000) * 1000 : ms).toISOString()
      const raw = isWhole ? utc.replace('.000', '') : utc
      deepStrictEqual(parse(raw), { raw, utc, skewMs: Date.parse(utc) - receivedAtMs, flags: [] })
    })
  )
})

test('no text throws, and every time that is read is one that can be written', () => {
  const fields = fc.integer({ min: -5, max: 99 })
  const almost = fc
    .tuple(
      fc.integer({ min: 0, max: 9999 }),
      fields,
      fields,
      fields,
      fields,
      fields,
      fc.constantFrom('', 'Z', '+99:99', '+7', 'x')
    )
    .map(
      ([year, month, day, hour, minute, second, zone]) => `${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`
    )
  fc.assert(
    fc.property(fc.oneof(fc.string(), almost), (raw) => {
      const { utc } = parse(raw)
      if (utc !== undefined) strictEqual(new Date(utc).toISOString(), utc)
    }),
    { numRuns: 2000 }
  )
})
