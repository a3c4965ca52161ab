/**
 * What stands in `schemas/events/`: the JSON Schema (draft-07) of every event type's data, of the envelope, and an index,
 * made from the types of `src/events/`. `npm run generate` writes them; they are checked in and published.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTypeReader, type JsonSchema } from './type-schemas.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
export const eventSchemaFolder = join(root, 'schemas/events')

function published(name: string, schema: JsonSchema): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: `urn:charge-point-gateway:event:${name}`,
    ...schema
  }
}

/** File name -> text, of every file in `schemas/events/`. */
export function eventSchemaFiles(): ReadonlyMap<string, string> {
  const reader = createTypeReader()
  const envelope = reader.schema(reader.find(join(root, 'src/events/envelope.ts'), 'GatewayEvent'))
  const schemas = new Map([['envelope', published('envelope', envelope)]])
  const types: Record<string, { file: string; title?: string; description?: string }> = {}
  for (const [type, declaration] of reader.references(join(root, 'src/events/model.ts'), 'EventData')) {
    const schema = reader.schema(declaration)
    schemas.set(type, published(type, schema))
    const { title, description } = schema
    types[type] = {
      file: `${type}.json`,
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description })
    }
  }
  const files = [...schemas].map(([name, schema]) => [`${name}.json`, textOf(schema)] as const)
  return new Map([...files, ['index.json', textOf({ envelope: 'envelope.json', types })]])
}

function textOf(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
