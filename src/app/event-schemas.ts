import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../../schemas/events/', import.meta.url)

/** The generated JSON Schemas by event type, as the package carries them. */
export function readEventSchemas(): ReadonlyMap<string, object> {
  const types = readdirSync(folder)
    .filter((name) => name.endsWith('.json') && name !== 'index.json')
    .map((name) => name.slice(0, -'.json'.length))
  return new Map(types.map((type) => [type, JSON.parse(readFileSync(new URL(`${type}.json`, folder), 'utf8'))]))
}
