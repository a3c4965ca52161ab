import { createRequire } from 'node:module'
import { type SchemaCorrection, schemaCorrections } from './schema-corrections.ts'
import type { OcppVersion } from './version.ts'

/** As much of JSON Schema draft-07 as the published schemas use. */
export interface PayloadSchema {
  readonly $id?: string
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, PayloadSchema>>
  readonly required?: readonly string[]
  readonly items?: PayloadSchema
  readonly maxLength?: number
  readonly definitions?: Readonly<Record<string, PayloadSchema>>
}

/** The schema of one payload. A SEND has a request only. */
export interface NamedSchema {
  readonly action: string
  readonly part: 'request' | 'response'
  readonly schema: PayloadSchema
}

const require = createRequire(import.meta.url)
const sources: Readonly<Record<OcppVersion, string>> = { '1.6': 'ocpp1_6', '2.0.1': 'ocpp2_0_1', '2.1': 'ocpp2_1' }

/** Every payload schema of a version, from the npm package `ocpp-rpc`, corrected. */
export function loadSchemas(version: OcppVersion): readonly NamedSchema[] {
  const schemas: readonly PayloadSchema[] = require(`ocpp-rpc/lib/schemas/${sources[version]}.json`)
  return schemas.map((schema) => {
    const { action, part } = nameOf(schema.$id ?? '')
    const corrections = schemaCorrections.filter(
      (correction) => correction.version === version && correction.action === action && correction.part === part
    )
    return { action, part, schema: corrections.length === 0 ? schema : corrected(schema, corrections) }
  })
}

/** `require` caches what it reads, and what is cached is not ours to change: the copy is. */
function corrected(schema: PayloadSchema, corrections: readonly SchemaCorrection[]): PayloadSchema {
  const copy = structuredClone(schema)
  for (const { path, change } of corrections) {
    const place = path.reduce<unknown>(memberOf, copy)
    if (typeof place !== 'object' || place === null) {
      throw new Error(`no place for the schema correction ${schema.$id} ${path.join('.')}`)
    }
    Object.assign(place, changed(place, change))
  }
  return copy
}

/** `urn:Authorize.req` and `urn:AuthorizeRequest` are both the request of Authorize; a SEND has the bare action. */
function nameOf(id: string): { readonly action: string; readonly part: 'request' | 'response' } {
  const name = id.replace(/^urn:/, '')
  const match = /^(.+?)\.?(req|conf|Request|Response)$/.exec(name)
  if (!match?.[1]) return { action: name, part: 'request' }
  return { action: match[1], part: match[2] === 'req' || match[2] === 'Request' ? 'request' : 'response' }
}

function memberOf(node: unknown, key: string): unknown {
  return typeof node === 'object' && node !== null ? (node as Readonly<Record<string, unknown>>)[key] : undefined
}

function changed(place: PayloadSchema, change: SchemaCorrection['change']): Partial<PayloadSchema> {
  return 'maxLength' in change
    ? { maxLength: change.maxLength }
    : { enum: [...new Set([...(place.enum ?? []), ...change.addToEnum])] }
}
