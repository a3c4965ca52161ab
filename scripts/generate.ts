/**
 * `npm run generate`: writes every file that is made from the code, and removes what is made no longer.
 * `test/generated.test.ts` fails while one of them is not current.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { generatedConfigFiles } from '../src/config/document.ts'
import { generatedDocuments } from './documents.ts'
import { asyncApiFiles } from './generate-asyncapi.ts'
import { eventSchemaFiles } from './generate-event-schemas.ts'
import { payloadTypes, payloadVersions } from './generate-payload-types.ts'

/** Folders that hold nothing but generated files. */
const folders = ['docs/generated', 'schemas', 'src/protocol/generated']

/** Every generated file: its path in the repository and its text. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const events = eventSchemaFiles()
  return new Map([
    ...payloadVersions.map((version) => [`src/protocol/generated/${version}.ts`, payloadTypes(version)] as const),
    ...[...events].map(([name, text]) => [`schemas/events/${name}`, text] as const),
    ...asyncApiFiles(events.get('index.json') ?? '', readFileSync('package.json', 'utf8')),
    ...generatedConfigFiles(),
    ...generatedDocuments()
  ])
}

/** Files that lie where only generated ones belong. */
export function strayFiles(): readonly string[] {
  const known = generatedFiles()
  return globSync(folders.map((folder) => `${folder}/**/*.*`)).filter((path) => !known.has(path))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const path of strayFiles()) rmSync(path)
  for (const [path, text] of generatedFiles()) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}
