/** Arbitraries of payloads, from the schemas of their actions. */
import fc from 'fast-check'
import type { PayloadSchema } from '../../src/protocol/schemas.ts'

interface Schema extends PayloadSchema {
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly multipleOf?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

export interface PayloadOptions {
  /** Without it customData is left out wherever it may stand. */
  readonly customData?: boolean
}

const times = fc.oneof(
  fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2030, 0, 1) }).map((ms) => new Date(ms).toISOString()),
  fc.constantFrom(
    '2026-11-23T10:00:00Z',
    '2026-11-23T11:30:00+01:30',
    '1970-01-01T00:00:00Z',
    '2026-11-23T10:00:00.123456Z'
  )
)
const decimals = fc
  .tuple(fc.integer({ min: -1_000_000, max: 99_999_999 }), fc.integer({ min: 0, max: 4 }))
  .map(([digits, places]) => (digits / 10 ** places).toFixed(places))
/** What the mapping looks at: words that a random text would never be. */
const meaningful: Readonly<Record<string, readonly string[]>> = {
  name: ['AvailabilityState', 'Connector', 'EVSE', 'ChargingStation'],
  unit: ['Wh', 'kWh', 'kW', 'Percent'],
  actualValue: ['Available', 'Occupied', 'Faulted']
}

/** Payloads that the schema allows. */
export function payloadArbitrary(root: PayloadSchema, options: PayloadOptions = {}): fc.Arbitrary<unknown> {
  function value(schema: Schema, name: string, depth: number): fc.Arbitrary<unknown> {
    if (schema.$ref) return value(root.definitions?.[schema.$ref.replace('#/definitions/', '')] ?? {}, name, depth)
    if (schema.enum) return fc.constantFrom(...schema.enum)
    switch (schema.type) {
      case 'object':
        return object(schema, depth)
      case 'array':
        return fc.array(value(schema.items ?? {}, name, depth + 1), {
          minLength: schema.minItems ?? 0,
          maxLength: Math.min(schema.maxItems ?? 2, Math.max(schema.minItems ?? 0, 2))
        })
      case 'integer':
        return fc.integer({ min: schema.minimum ?? -(2 ** 31), max: schema.maximum ?? 2 ** 31 - 1 })
      case 'number':
        return number(schema)
      case 'boolean':
        return fc.boolean()
      case 'string':
        return text(schema, name)
      default:
        return fc.oneof(fc.string(), fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(fc.integer(), fc.string())))
    }
  }

  function object(schema: Schema, depth: number): fc.Arbitrary<unknown> {
    const required = schema.required ?? []
    const members = Object.entries(schema.properties ?? {}).filter(
      ([name]) => (options.customData === true || name !== 'customData') && (depth < 5 || required.includes(name))
    )
    return fc.record(Object.fromEntries(members.map(([name, member]) => [name, value(member, name, depth + 1)])), {
      requiredKeys: members.map(([name]) => name).filter((name) => required.includes(name)),
      noNullPrototype: true
    })
  }

  return value(root, '', 0)
}

function number({ minimum = -1e6, maximum = 1e6, multipleOf = 0.001 }: Schema): fc.Arbitrary<number> {
  const places = multipleOf === 0.1 ? 1 : 3
  return fc
    .integer({ min: Math.ceil(minimum * 10 ** places), max: Math.floor(maximum * 10 ** places) })
    .map((n) => Number((n / 10 ** places).toFixed(places)))
}

function text({ format, maxLength = 30 }: Schema, name: string): fc.Arbitrary<string> {
  if (format === 'date-time') return times
  if (format === 'uri') return fc.webUrl()
  const any = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: Math.min(maxLength, 20) })
    .filter((said) => said.length <= maxLength)
  const words = meaningful[name]?.filter((word) => word.length <= maxLength) ?? []
  if (words.length > 0) return fc.oneof(fc.constantFrom(...words), any)
  return name === 'value' ? fc.oneof(decimals, any) : any
}
