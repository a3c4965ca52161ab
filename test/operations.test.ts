import { deepStrictEqual, ok } from 'node:assert'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configKeys } from '../src/config/schema.ts'
import { chaosCases, unclaimed } from './chaos/cases.ts'

const page = readFileSync('docs/operations.md', 'utf8')

const section = page.slice(page.indexOf('## When a part fails'), page.indexOf('## When it does not start'))
const rows = section.split('\n').flatMap((line) => {
  const [, , , commands = '', , name] = line.split('|').map((cell) => cell.trim())
  return name?.startsWith('`') ? [{ name: name.slice(1, -1), reasons: reasonsIn(commands) }] : []
})

function reasonsIn(commands: string): readonly string[] {
  const named = [...commands.matchAll(/`(?:not_sent|unknown)\/([a-z_]+)`/g)].map((match) => match[1] ?? '')
  return [...new Set(named)].sort()
}

test('every row of what happens when a part fails is a chaos case and names the reasons that it may bring about', () => {
  const cases = chaosCases
    .filter(({ name }) => name !== 'calm')
    .map(({ name, reasons }) => ({ name, reasons: [...reasons].sort() }))
  const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1)
  deepStrictEqual(rows.toSorted(byName), cases.toSorted(byName))
})

test('the reasons that are said to be always possible are those that no chaos case is failed for', () => {
  const said = /\(((?:`[a-z_]+`|, | and )+) can\s+always be\)/.exec(section)?.[1] ?? ''
  const named = [...said.matchAll(/`([a-z_]+)`/g)].map((match) => match[1] ?? '')
  const schema = JSON.parse(readFileSync('schemas/events/command.outcome.json', 'utf8'))
  const known: readonly string[] = schema.properties.reason.examples
  const always = known.filter(
    (reason) => unclaimed({ lost: 'none', reasons: [] }, { lost: 0, reasons: [['c-1', reason]] }).length === 0
  )
  deepStrictEqual(named.toSorted(), always.toSorted())
})

test('every setting that the page names exists', () => {
  const known = new Set<string>(configKeys.map(({ name }) => name))
  const groups = new Set(configKeys.map(({ name }) => name.split('.')[0]))
  const named = [...page.matchAll(/`([a-z_]+\.[a-z_]+)(?:: [a-z]+)?`/g)].map((match) => match[1] ?? '')
  const settings = named.filter((name) => groups.has(name.split('.')[0]))
  ok(settings.length > 15)
  // `event.too_large` and their like are types of events, whose groups are none of the configuration.
  deepStrictEqual(
    settings.filter((name) => !known.has(name)),
    []
  )
})
