import { readdirSync, readFileSync } from 'node:fs'

const folders = ['../../schemas/events/', '../../schemas/commands/'].map((path) => new URL(path, import.meta.url))

/** The generated JSON Schemas as the package carries them: of every event type, of the `envelope`, and of a `command`. */
export function readSchemas(): ReadonlyMap<string, object> {
  return new Map(folders.flatMap(schemasIn))
}

function schemasIn(folder: URL): [string, object][] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json') && name !== 'index.json')
    .map((name) => [name.slice(0, -'.json'.length), JSON.parse(readFileSync(new URL(name, folder), 'utf8'))])
}
