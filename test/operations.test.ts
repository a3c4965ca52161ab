import { deepStrictEqual, ok } from 'node:assert'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configKeys } from '../src/config/schema.ts'
import { chaosCases } from './chaos/cases.ts'

const page = readFileSync('docs/operations.md', 'utf8')

test('every row of what happens when a part fails is a chaos case, and every case but the calm one has its row', () => {
  const section = page.slice(page.indexOf('## When a part fails'), page.indexOf('## Readiness'))
  const rows = [...section.matchAll(/\| `([a-z-]+)` +\|$/gm)].map((match) => match[1])
  const names = chaosCases.map(({ name }) => name).filter((name) => name !== 'calm')
  deepStrictEqual(rows.toSorted(), names.toSorted())
  const unnamed = chaosCases.flatMap(({ reasons }) => reasons).filter((reason) => !section.includes(reason))
  deepStrictEqual(unnamed, [], 'what commands may end as is said')
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
