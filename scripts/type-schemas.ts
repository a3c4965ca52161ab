/**
 * JSON Schemas (draft-07) from TypeScript declarations. It reads the plain part of the language that data is described
 * with (interfaces, unions, lists, references, doc comments) and refuses the rest, so that nothing is guessed.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface JsonSchema {
  $schema?: string
  $id?: string
  $ref?: string
  title?: string
  description?: string
  type?: string
  const?: string
  examples?: readonly string[]
  items?: JsonSchema
  required?: string[]
  properties?: Record<string, JsonSchema>
  definitions?: Record<string, JsonSchema>
}

interface Declaration {
  readonly file: SourceFile
  readonly name: string
  readonly doc: string | undefined
  /** Index of the first token after the name. */
  readonly at: number
  readonly kind: 'interface' | 'type' | 'const'
}

interface SourceFile {
  readonly path: string
  readonly tokens: readonly string[]
  readonly declarations: ReadonlyMap<string, Declaration>
  /** Local name -> file and name there; `*` for a namespace. */
  readonly imports: ReadonlyMap<string, { readonly path: string; readonly name: string }>
}

const tokenPattern = /\/\*\*[\s\S]*?\*\/|\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|`[^`]*`|\w+|=>|\S/g

function tokensOf(text: string): string[] {
  return (text.match(tokenPattern) ?? []).filter((token) => token.startsWith('/**') || !/^\/[/*]/.test(token))
}

function docText(token: string): string {
  return token
    .slice(3, -2)
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trim())
    .filter((line) => line !== '')
    .join(' ')
}

function readSource(path: string): SourceFile {
  const tokens = tokensOf(readFileSync(path, 'utf8'))
  const declarations = new Map<string, Declaration>()
  const imports = new Map<string, { path: string; name: string }>()
  const file = { path, tokens, declarations, imports }
  let depth = 0
  for (const [index, token] of tokens.entries()) {
    if (token === '{') depth += 1
    if (token === '}') depth -= 1
    if (depth !== 0) continue
    if (token === 'import') readImport(file, imports, index + 1)
    if (token !== 'interface' && token !== 'type' && token !== 'const') continue
    const name = tokens[index + 1] ?? ''
    if (!/^[A-Za-z]\w*$/.test(name) || tokens[index - 1] === 'import') continue
    const before = tokens[index - 1] === 'export' ? tokens[index - 2] : tokens[index - 1]
    const doc = before?.startsWith('/**') ? docText(before) : undefined
    declarations.set(name, { file, name, doc, at: index + 2, kind: token })
  }
  return file
}

function readImport(
  file: { path: string; tokens: readonly string[] },
  imports: SourceFile['imports'],
  start: number
): void {
  const words: string[] = []
  let at = start
  for (; file.tokens[at] !== undefined && file.tokens[at] !== 'from'; at += 1) words.push(file.tokens[at] ?? '')
  const from = file.tokens[at + 1]?.slice(1, -1) ?? ''
  if (!from.startsWith('.')) return
  const path = join(dirname(file.path), from)
  const into = imports as Map<string, { path: string; name: string }>
  const star = words.indexOf('*')
  if (star >= 0) into.set(words[star + 2] ?? '', { path, name: '*' })
  const list = words.slice(words.indexOf('{') + 1, words.indexOf('}')).join(' ')
  for (const item of list.split(',')) {
    const [name = '', , local = name] = item
      .trim()
      .replace(/^type /, '')
      .split(' ')
    if (name !== '') into.set(local, { path, name })
  }
}

/** Reads declarations of one tree of files and makes their schemas; each file is read once. */
export function createTypeReader() {
  const files = new Map<string, SourceFile>()

  function source(path: string): SourceFile {
    const known = files.get(path)
    if (known) return known
    const file = readSource(path)
    files.set(path, file)
    return file
  }

  function find(file: SourceFile, name: string): Declaration {
    const own = file.declarations.get(name)
    if (own) return own
    const [space = '', member] = name.split('.')
    const imported = file.imports.get(space)
    if (!imported) throw new Error(`${file.path}: ${name} is declared nowhere`)
    return find(source(imported.path), imported.name === '*' ? (member ?? '') : imported.name)
  }

  /** The members of an interface by name: `EventData`'s are the event types with the names of their data. */
  function references(path: string, name: string): ReadonlyMap<string, Declaration> {
    const declaration = find(source(path), name)
    const parser = new Parser(declaration, find, new Map())
    return new Map(parser.references())
  }

  /** The schema of a declaration, with the definitions that it needs. */
  function schema(declaration: Declaration): JsonSchema {
    const definitions = new Map<string, { readonly of: Declaration; schema: JsonSchema }>()
    const body = new Parser(declaration, find, definitions).declaration()
    const named = [...definitions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { schema }]) => [name, schema])
    return { ...body, ...(named.length === 0 ? {} : { definitions: Object.fromEntries(named) }) }
  }

  return { find: (path: string, name: string) => find(source(path), name), references, schema }
}

type Definitions = Map<string, { readonly of: Declaration; schema: JsonSchema }>

const primitives: Readonly<Record<string, JsonSchema>> = {
  string: { type: 'string' },
  number: { type: 'number' },
  Integer: { type: 'integer' },
  boolean: { type: 'boolean' },
  unknown: {},
  Record: { type: 'object' }
}

class Parser {
  readonly #start: Declaration
  readonly #find: (file: SourceFile, name: string) => Declaration
  readonly #definitions: Definitions
  #at: number
  #parameters: string[] = []

  constructor(start: Declaration, find: (file: SourceFile, name: string) => Declaration, definitions: Definitions) {
    this.#start = start
    this.#find = find
    this.#definitions = definitions
    this.#at = start.at
  }

  declaration(): JsonSchema {
    const { name, doc, kind } = this.#start
    const title = { title: name, ...(doc === undefined ? {} : { description: doc }) }
    if (this.#peek() === '<') this.#typeParameters()
    if (kind === 'type') this.#expect('=')
    if (kind === 'type') return merge(title, this.#type())
    const inherited: JsonSchema[] = []
    while (this.#peek() !== '{') {
      const word = this.#next()
      if (word === 'extends' || word === ',') inherited.push(this.#resolved(this.#next()))
      else this.#refuse(word)
    }
    const own = this.#members()
    // What is inherited comes last: it is less particular.
    const all = [own, ...inherited]
    return {
      ...title,
      type: 'object',
      ...required(all.flatMap((schema) => schema.required ?? [])),
      properties: Object.assign({}, ...all.map((schema) => schema.properties))
    }
  }

  /** Member name -> the declaration that its type names. */
  *references(): Iterable<[string, Declaration]> {
    this.#expect('{')
    while (this.#peek() !== '}') {
      if (this.#peek()?.startsWith('/**')) this.#next()
      this.#expect('readonly')
      const member = this.#next().replaceAll("'", '')
      this.#expect(':')
      yield [member, this.#find(this.#start.file, this.#qualifiedName())]
    }
  }

  #members(): JsonSchema {
    this.#expect('{')
    const properties: Record<string, JsonSchema> = {}
    const names: string[] = []
    while (this.#peek() !== '}') {
      const doc = this.#peek()?.startsWith('/**') ? docText(this.#next()) : undefined
      if (this.#peek() === 'readonly' && this.#peek(1) !== ':' && this.#peek(1) !== '?') this.#next()
      const name = this.#next().replaceAll("'", '')
      const isOptional = this.#peek() === '?'
      if (isOptional) this.#next()
      else names.push(name)
      this.#expect(':')
      const type = this.#type()
      // An open list of words says them in its own description; a comment of the member goes before.
      properties[name] = doc === undefined ? type : described(type, doc)
      if (this.#peek() === ';' || this.#peek() === ',') this.#next()
    }
    this.#expect('}')
    return { type: 'object', ...required(names), properties }
  }

  #type(): JsonSchema {
    if (this.#peek() === '|') this.#next()
    const first = this.#single()
    if (this.#peek() !== '|') return first
    const alternatives = [first]
    while (this.#peek() === '|') {
      this.#next()
      alternatives.push(this.#single())
    }
    return words(alternatives.flatMap((one) => wordsOf(one) ?? this.#refuse('a union of anything but words')))
  }

  #single(): JsonSchema {
    let schema = this.#primary()
    while (this.#peek() === '[') {
      this.#next()
      this.#expect(']')
      schema = { type: 'array', items: schema }
    }
    return schema
  }

  #primary(): JsonSchema {
    const token = this.#peek() ?? ''
    if (token === '{') return this.#members()
    if (token === 'readonly') {
      this.#next()
      return this.#single()
    }
    if (token === '(') {
      this.#next()
      const inner = this.#peek() === 'typeof' ? this.#listOfConst() : this.#type()
      this.#expect(')')
      if (this.#peek() === '[' && this.#peek(1) === 'number') {
        this.#at += 3
        return inner
      }
      return inner
    }
    if (token.startsWith("'")) return { type: 'string', const: this.#next().slice(1, -1) }
    return this.#named()
  }

  #named(): JsonSchema {
    const name = this.#qualifiedName()
    if (name === 'Open' || name === 'Readonly') {
      this.#expect('<')
      const inner = this.#type()
      this.#expect('>')
      return name === 'Open' ? words(wordsOf(inner) ?? this.#refuse('an open list of anything but words')) : inner
    }
    if (this.#peek() === '[' && this.#parameters.includes(this.#peek(1) ?? '')) {
      // An indexed access by a type parameter: any of the map's values.
      this.#at += 3
      return { type: 'object' }
    }
    const primitive = primitives[name]
    if (this.#peek() === '<') this.#skipArguments()
    if (primitive) return primitive
    if (this.#parameters.includes(name)) return { type: 'string' }
    return this.#resolved(name)
  }

  /** Words stand where they are used; what has members becomes a definition. */
  #resolved(name: string): JsonSchema {
    const declaration = this.#find(this.#start.file, name)
    const known = this.#definitions.get(declaration.name)
    if (known && known.of !== declaration) this.#refuse(`two declarations with the name ${declaration.name}`)
    if (known) return { $ref: `#/definitions/${declaration.name}` }
    const entry = { of: declaration, schema: {} as JsonSchema }
    this.#definitions.set(declaration.name, entry)
    entry.schema = new Parser(declaration, this.#find, this.#definitions).declaration()
    if (this.#peek(-2) === 'extends' || this.#peek(-2) === ',') return this.#inlined(declaration.name, entry.schema)
    if (entry.schema.properties === undefined) return this.#inlined(declaration.name, withoutTitle(entry.schema))
    return { $ref: `#/definitions/${declaration.name}` }
  }

  #inlined(name: string, schema: JsonSchema): JsonSchema {
    this.#definitions.delete(name)
    return schema
  }

  #listOfConst(): JsonSchema {
    this.#expect('typeof')
    const list = this.#find(this.#start.file, this.#next())
    const tokens = list.file.tokens.slice(list.at, list.file.tokens.indexOf(']', list.at))
    return words(tokens.filter((token) => token.startsWith("'")).map((token) => token.slice(1, -1)))
  }

  #typeParameters(): void {
    this.#expect('<')
    while (this.#peek() !== '>') {
      const word = this.#next()
      if (/^[A-Z]\w*$/.test(word) && this.#peek() === 'extends') this.#parameters.push(word)
    }
    this.#expect('>')
  }

  #skipArguments(): void {
    let depth = 0
    do {
      const token = this.#next()
      if (token === '<') depth += 1
      if (token === '>') depth -= 1
    } while (depth > 0)
  }

  #qualifiedName(): string {
    const name = this.#next()
    if (!/^[A-Za-z]\w*$/.test(name)) this.#refuse(name)
    if (this.#peek() !== '.') return name
    this.#next()
    return `${name}.${this.#next()}`
  }

  #peek(ahead = 0): string | undefined {
    return this.#start.file.tokens[this.#at + ahead]
  }

  #next(): string {
    const token = this.#peek() ?? ''
    this.#at += 1
    return token
  }

  #expect(token: string): void {
    const found = this.#next()
    if (found !== token) this.#refuse(`${found} where ${token} was expected`)
  }

  #refuse(what: string): never {
    throw new Error(`${this.#start.file.path}: ${this.#start.name}: no schema can be made of ${what}`)
  }
}

/** An open enumeration: a string, whose known values are told. */
function words(known: readonly string[]): JsonSchema {
  return { type: 'string', description: `Known values: ${known.join(', ')}. Others may come.`, examples: known }
}

function wordsOf(schema: JsonSchema): readonly string[] | undefined {
  return schema.const === undefined ? schema.examples : [schema.const]
}

function described(schema: JsonSchema, doc: string): JsonSchema {
  // Beside $ref draft-07 ignores everything.
  if (schema.$ref !== undefined) return schema
  return { ...schema, description: schema.description === undefined ? doc : `${doc} ${schema.description}` }
}

function merge(title: JsonSchema, schema: JsonSchema): JsonSchema {
  const description = [title.description, schema.description].filter((text) => text !== undefined).join(' ')
  return { ...title, ...schema, ...(description === '' ? {} : { description }) }
}

function withoutTitle({ title: _, ...schema }: JsonSchema): JsonSchema {
  return schema
}

function required(names: readonly string[]): JsonSchema {
  return names.length === 0 ? {} : { required: [...names] }
}
