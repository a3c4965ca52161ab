/** Payloads out of the schemas, seeded: valid ones, and the same with something wrong. */
import type { PayloadSchema } from '../../src/protocol/schemas.ts'

interface Bounds extends PayloadSchema {
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
}

/** A value that the schema allows; optional members come and go. */
export function randomPayload(root: PayloadSchema, random: () => number): unknown {
  return randomValue(root, root, random, 0)
}

function randomValue(schema: Bounds, root: PayloadSchema, random: () => number, depth: number): unknown {
  if (schema.$ref) {
    const definition = root.definitions?.[schema.$ref.replace('#/definitions/', '')]
    return randomValue(definition ?? {}, root, random, depth)
  }
  if (schema.enum) return schema.enum[Math.floor(random() * schema.enum.length)]
  switch (schema.type) {
    case 'object':
      return randomObject(schema, root, random, depth)
    case 'array':
      return Array.from({ length: Math.max(schema.minItems ?? 0, Math.min(schema.maxItems ?? 2, 1)) }, () =>
        randomValue(schema.items ?? {}, root, random, depth + 1)
      )
    case 'integer':
      return (schema.minimum ?? 0) + Math.floor(random() * Math.min(10, (schema.maximum ?? 10) - (schema.minimum ?? 0)))
    case 'number':
      return schema.minimum ?? Math.min(schema.maximum ?? 5, Math.floor(random() * 10) / 2)
    case 'boolean':
      return random() < 0.5
    case 'string':
      return randomText(schema, random)
    default:
      return 'anything'
  }
}

function randomObject(schema: Bounds, root: PayloadSchema, random: () => number, depth: number): unknown {
  const required = new Set(schema.required ?? [])
  const members = Object.entries(schema.properties ?? {}).filter(
    ([name]) => required.has(name) || random() < (depth > 2 ? 0.2 : 0.7)
  )
  return Object.fromEntries(members.map(([name, member]) => [name, randomValue(member, root, random, depth + 1)]))
}

function randomText({ format, maxLength }: Bounds, random: () => number): string {
  if (format === 'date-time') return '2026-11-23T10:00:00.000Z'
  if (format === 'uri') return 'https://example.org/log'
  return Math.floor(random() * 1e9)
    .toString(36)
    .slice(0, maxLength ?? 10)
}

const oddValues: readonly unknown[] = [
  ...[null, '', 'x', 'x'.repeat(60_000), '12', '1.5', 'true', 1.5, -1, 1e300, true, [], {}, [null], [[]], { x: 1 }]
]

/** A copy in which one place, anywhere, holds something else, is missing, or has one member too many. */
export function damaged(payload: unknown, random: () => number): unknown {
  const holder: Record<string, unknown> = { payload: structuredClone(payload) }
  const places: { readonly parent: Record<string, unknown>; readonly key: string }[] = []
  const visit = (parent: Record<string, unknown>): void => {
    for (const [key, value] of Object.entries(parent)) {
      places.push({ parent, key })
      if (typeof value === 'object' && value !== null) visit(value as Record<string, unknown>)
    }
  }
  visit(holder)
  const place = places[Math.floor(random() * places.length)]
  if (!place) return payload
  const kind = random()
  if (kind < 0.2 && place.parent !== holder) delete place.parent[place.key]
  else if (kind < 0.3) place.parent.unknownMember = 1
  else place.parent[place.key] = oddValues[Math.floor(random() * oddValues.length)]
  // As it would come from the wire: holes of lists are null.
  return JSON.parse(JSON.stringify(holder.payload ?? null))
}
