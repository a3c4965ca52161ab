/**
 * Refuses a change of the event schemas that would break who reads the events:
 * `node scripts/check-event-compatibility.ts [git ref or folder]` compares `schemas/events/` with an earlier state of it
 * (default: the last release's tag, or HEAD before the first release). What breaks makes a new type: `x` -> `x.v2`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { eventSchemaFolder } from './generate-event-schemas.ts'
import type { JsonSchema } from './type-schemas.ts'

/** Event type (or `envelope`) -> schema. */
export type SchemaSet = ReadonlyMap<string, JsonSchema>

/** What a reader of `base` would stumble over in `next`, one line each; empty when nothing. */
export function incompatibilities(base: SchemaSet, next: SchemaSet): readonly string[] {
  const found: string[] = []
  for (const [type, schema] of base) {
    const successor = next.get(type)
    if (successor) compare(type, { schema, root: schema }, { schema: successor, root: successor }, found, new Set())
    else if (!hasLaterVersion(type, next)) found.push(`${type}: the type is gone, and there is no later version of it`)
  }
  return found
}

function hasLaterVersion(type: string, next: SchemaSet): boolean {
  const [, name = '', version = '1'] = /^(.*?)(?:\.v(\d+))?$/.exec(type) ?? []
  return next.has(`${name}.v${Number(version) + 1}`)
}

interface Side {
  readonly schema: JsonSchema
  readonly root: JsonSchema
}

function compare(path: string, base: Side, next: Side, found: string[], seen: Set<string>): void {
  const pair = `${base.schema.$ref} ${next.schema.$ref}`
  if (base.schema.$ref !== undefined && next.schema.$ref !== undefined) {
    if (seen.has(pair)) return
    seen.add(pair)
  }
  const was = resolved(base)
  const is = resolved(next)
  if (!isNarrower(is.type, was.type)) {
    found.push(`${path}: was ${was.type ?? 'anything'}, is ${is.type ?? 'anything'}`)
    return
  }
  compareWords(path, was, is, found)
  for (const [name, member] of Object.entries(was.properties ?? {})) {
    const successor = is.properties?.[name]
    if (!successor) found.push(`${path}.${name}: is gone`)
    else compare(`${path}.${name}`, { ...base, schema: member }, { ...next, schema: successor }, found, seen)
  }
  for (const name of was.required ?? []) {
    const isDropped = is.properties?.[name] === undefined
    if (!isDropped && !is.required?.includes(name)) found.push(`${path}.${name}: was always there, may now be absent`)
  }
  if (was.items && is.items)
    compare(`${path}[]`, { ...base, schema: was.items }, { ...next, schema: is.items }, found, seen)
}

function resolved({ schema, root }: Side): JsonSchema {
  const name = schema.$ref?.replace('#/definitions/', '')
  return name === undefined ? schema : (root.definitions?.[name] ?? {})
}

/** Every value of the one type is a value of the other. */
function isNarrower(is: string | undefined, was: string | undefined): boolean {
  return was === undefined || is === was || (is === 'integer' && was === 'number')
}

/** Words may be added to an open list; one that is gone was renamed, and somebody waits for it. */
function compareWords(path: string, was: JsonSchema, is: JsonSchema, found: string[]): void {
  if (was.const !== undefined && is.const !== was.const) found.push(`${path}: was always '${was.const}'`)
  for (const word of was.examples ?? []) {
    if (!is.examples?.includes(word) && is.const !== word) found.push(`${path}: the known value '${word}' is gone`)
  }
}

/** The schemas in a folder. */
export function schemasInFolder(folder: string): SchemaSet {
  const names = readdirSync(folder).filter(isSchemaFile)
  return new Map(names.map((name) => [typeOf(name), JSON.parse(readFileSync(join(folder, name), 'utf8'))]))
}

/** The schemas as they stood at a git ref. */
export function schemasAtRef(ref: string): SchemaSet {
  const names = git('ls-tree', '--name-only', `${ref}:schemas/events`).split('\n').filter(isSchemaFile)
  return new Map(names.map((name) => [typeOf(name), JSON.parse(git('show', `${ref}:schemas/events/${name}`))]))
}

function isSchemaFile(name: string): boolean {
  return name.endsWith('.json') && name !== 'index.json'
}

function typeOf(name: string): string {
  return name.slice(0, -'.json'.length)
}

function git(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr.trim()}`)
  return stdout
}

function lastRelease(): string {
  const { status, stdout } = spawnSync('git', ['describe', '--tags', '--abbrev=0'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : 'HEAD'
}

function main(base: string): number {
  const isFolder = existsSync(base) && statSync(base).isDirectory()
  const found = incompatibilities(
    isFolder ? schemasInFolder(base) : schemasAtRef(base),
    schemasInFolder(eventSchemaFolder)
  )
  for (const line of found) console.error(line)
  if (found.length === 0) console.log(`the event schemas are compatible with ${base}`)
  else
    console.error(`${found.length} incompatible with ${base}: give the new shape a new type (x.v2) beside the old one`)
  return found.length === 0 ? 0 : 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    process.exitCode = main(process.argv[2] ?? lastRelease())
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 2
  }
}
