import { deepStrictEqual } from 'node:assert'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { test } from 'node:test'

/** Who may import whom: the layers of docs/architecture.md. A folder may always import itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  protocol: ['lib'],
  config: ['lib'],
  events: ['protocol', 'lib'],
  commands: ['protocol', 'lib'],
  ports: ['protocol', 'events', 'commands', 'lib'],
  session: ['protocol', 'events', 'commands', 'ports', 'lib'],
  gateway: ['session', 'ports', 'events', 'commands', 'protocol', 'lib'],
  'adapters/embedded': ['ports', 'events', 'lib'],
  'adapters/kafka': ['ports', 'events', 'lib'],
  'adapters/local': ['ports', 'events', 'lib'],
  'adapters/prometheus': ['ports', 'lib'],
  'adapters/redis': ['ports', 'events', 'lib'],
  server: ['gateway', 'session', 'ports', 'protocol', 'lib'],
  api: ['gateway', 'session', 'ports', 'events', 'commands', 'protocol', 'lib'],
  simulator: ['protocol', 'lib'],
  app: ['*'],
  cli: ['app', 'config', 'simulator', 'lib']
}
/** Folders that stay free of I/O, clocks and Node. */
const pure = ['protocol', 'events', 'commands', 'session', 'ports']
/** Packages that one folder alone may name. */
const packagesOf: Readonly<Record<string, readonly string[]>> = {
  lmdb: ['adapters/embedded'],
  redis: ['adapters/redis'],
  '@platformatic/kafka': ['adapters/kafka'],
  ws: ['server', 'simulator'],
  fastify: ['api'],
  pino: ['app'],
  'prom-client': ['adapters/prometheus'],
  zod: ['config'],
  ajv: ['protocol', 'api']
}

function folderOf(file: string): string {
  const [first = '', second = ''] = file.split(sep).slice(1)
  return first === 'adapters' ? `adapters/${second}` : first
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [
    ...text.matchAll(
      /^\s*(?:import|export)\b[^'"\n]*?(?:\bfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]|^\}\s*from\s*['"]([^'"]+)['"]/gm
    )
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

const files = globSync('src/**/*.ts')

test('every import keeps the layers', () => {
  const broken: string[] = []
  for (const file of files) {
    const from = folderOf(file)
    const allowed = mayImport[from]
    if (!allowed) {
      broken.push(`${file}: the folder ${from} is not in the import rule`)
      continue
    }
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith('.')) continue
      const to = folderOf(normalize(join(dirname(file), specifier)))
      if (to !== from && !allowed.includes('*') && !allowed.includes(to))
        broken.push(`${file} imports ${specifier} (${from} -> ${to})`)
    }
  }
  deepStrictEqual(broken, [])
})

test('the pure folders import nothing of Node', () => {
  const broken = files
    .filter((file) => pure.includes(folderOf(file)))
    .flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('node:') && specifier !== 'node:module')
        .map((specifier) => `${file} imports ${specifier}`)
    )
  deepStrictEqual(broken, [])
})

test('a client library is named in its own folder alone', () => {
  const broken: string[] = []
  for (const file of files) {
    for (const specifier of importsOf(file)) {
      const name = specifier.startsWith('@')
        ? specifier.split('/').slice(0, 2).join('/')
        : (specifier.split('/')[0] ?? '')
      const homes = packagesOf[name]
      if (homes && !homes.includes(folderOf(file))) broken.push(`${file} imports ${specifier}`)
    }
  }
  deepStrictEqual(broken, [])
})
