import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { incompatibilities, schemasInFolder } from '../../scripts/check-event-compatibility.ts'
import { eventSchemaFiles, eventSchemaFolder } from '../../scripts/generate-event-schemas.ts'
import { createTypeReader, type JsonSchema } from '../../scripts/type-schemas.ts'
import { eventTypes } from '../../src/events/event-types.ts'
import { assertValidData } from '../support/valid-event.ts'

// B7: three incompatible envelopes without a version.

function inFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'event-schemas-'))
  try {
    return body(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('the checked-in schemas are those of the types; `npm run generate` makes them', () => {
  const files = eventSchemaFiles()
  deepStrictEqual(readdirSync(eventSchemaFolder).sort(), [...files.keys()].sort())
  for (const [name, text] of files) strictEqual(readFileSync(join(eventSchemaFolder, name), 'utf8'), text, name)
})

test('every event type has a schema, and every schema compiles', () => {
  for (const type of eventTypes) throws(() => assertValidData(type, 'no object'), /must be object/, type)
  const index = JSON.parse(readFileSync(join(eventSchemaFolder, 'index.json'), 'utf8'))
  deepStrictEqual(Object.keys(index.types), [...eventTypes])
})

test('unknown members and unknown words are allowed, a missing or wrong member is not', () => {
  const status = { status: 'available', rawStatus: 'Available' }
  assertValidData('connector.status_changed', { ...status, status: 'a word to come', member: { to: ['come'] } })
  throws(() => assertValidData('connector.status_changed', { status: 'available' }), /rawStatus/)
  throws(() => assertValidData('connector.status_changed', { ...status, evse: { id: '1' } }), /must be integer/)
})

test('every type and definition has a title of its own, so that generated classes have names', () => {
  const titles = new Set<string>()
  for (const [type, schema] of schemasInFolder(eventSchemaFolder)) {
    ok(schema.title && !titles.has(schema.title), `${type}: ${schema.title}`)
    titles.add(schema.title)
    for (const [name, definition] of Object.entries(schema.definitions ?? {})) strictEqual(definition.title, name)
  }
})

test('a type that is no plain data makes no schema', () => {
  inFolder((folder) => {
    const file = join(folder, 'odd.ts')
    writeFileSync(
      file,
      'export interface Odd { readonly a: string | number }\nexport interface Lost { readonly b: Nowhere }'
    )
    const reader = createTypeReader()
    throws(() => reader.schema(reader.find(file, 'Odd')), /no schema can be made of a union of anything but words/)
    throws(() => reader.schema(reader.find(file, 'Lost')), /Nowhere is declared nowhere/)
  })
})

const base: JsonSchema = {
  title: 'Thing',
  type: 'object',
  required: ['id', 'evse'],
  properties: {
    id: { type: 'string' },
    count: { type: 'number' },
    anything: {},
    word: { type: 'string', examples: ['old', 'new'] },
    evse: { $ref: '#/definitions/Evse' },
    list: { type: 'array', items: { $ref: '#/definitions/Evse' } }
  },
  definitions: { Evse: { title: 'Evse', type: 'object', required: ['id'], properties: { id: { type: 'integer' } } } }
}

function changed(change: (copy: Required<JsonSchema>) => void): readonly string[] {
  const copy = structuredClone(base) as Required<JsonSchema>
  change(copy)
  return incompatibilities(new Map([['thing', base]]), new Map([['thing', copy]]))
}

test('what readers can bear is compatible: new members, new words, more promises, narrower types', () => {
  deepStrictEqual(
    changed((copy) => {
      copy.properties.more = { type: 'string' }
      copy.properties.count = { type: 'integer' }
      copy.properties.anything = { type: 'string' }
      copy.properties.word = { type: 'string', examples: ['old', 'new', 'newest'] }
      copy.required.push('count', 'more')
      copy.title = 'Renamed'
    }),
    []
  )
})

test('what breaks readers is refused: a member gone, another type, a promise taken back, a word renamed', () => {
  deepStrictEqual(
    changed((copy) => delete copy.properties.id),
    ['thing.id: is gone']
  )
  deepStrictEqual(
    changed((copy) => {
      copy.properties.id = { type: 'integer' }
    }),
    ['thing.id: was string, is integer']
  )
  deepStrictEqual(
    changed((copy) => {
      copy.properties.id = {}
    }),
    ['thing.id: was string, is anything']
  )
  deepStrictEqual(
    changed((copy) => {
      copy.required = ['evse']
    }),
    ['thing.id: was always there, may now be absent']
  )
  deepStrictEqual(
    changed((copy) => {
      copy.properties.word = { type: 'string', examples: ['older', 'new'] }
    }),
    ["thing.word: the known value 'old' is gone"]
  )
})

test('a change in a definition is found, once for each place that shows another pair of definitions', () => {
  deepStrictEqual(
    changed((copy) => {
      copy.definitions.Evse = { title: 'Evse', type: 'object', properties: {} }
    }),
    ['thing.evse.id: is gone']
  )
})

test('a type may go when its next version has come', () => {
  const thing = new Map([['thing', base]])
  deepStrictEqual(incompatibilities(thing, new Map()), ['thing: the type is gone, and there is no later version of it'])
  deepStrictEqual(incompatibilities(thing, new Map([['thing.v2', {}]])), [])
  deepStrictEqual(incompatibilities(new Map([['thing.v2', base]]), new Map([['thing.v3', {}]])), [])
})

test('the script ends with 1 and names what breaks', () => {
  inFolder((folder) => {
    const run = () =>
      spawnSync(process.execPath, ['scripts/check-event-compatibility.ts', folder], { encoding: 'utf8' })
    cpSync(eventSchemaFolder, folder, { recursive: true })
    strictEqual(run().status, 0)
    const file = join(folder, 'meter.values.json')
    const schema = JSON.parse(readFileSync(file, 'utf8'))
    schema.properties.was = { type: 'string' }
    writeFileSync(file, JSON.stringify(schema))
    const { status, stderr } = run()
    strictEqual(status, 1)
    ok(stderr.startsWith('meter.values.was: is gone\n'), stderr)
  })
})
