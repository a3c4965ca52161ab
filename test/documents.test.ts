import { deepStrictEqual } from 'node:assert'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'

const pages = [...globSync('*.md'), ...globSync('docs/**/*.md'), ...globSync('examples/**/*.md')]

test('every link of a page to a file of the repository leads somewhere', () => {
  const broken = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)]
      .map((match) => match[1] ?? '')
      .filter((target) => !existsSync(join(dirname(page), target)))
      .map((target) => `${page}: ${target}`)
  )
  deepStrictEqual(broken, [])
})

test('every npm script that a page names exists', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
  const broken = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/\bnpm run ([\w:]+)/g)]
      .map((match) => match[1] ?? '')
      .filter((script) => !(script in scripts))
      .map((script) => `${page}: ${script}`)
  )
  deepStrictEqual(broken, [])
})

test('the list of decisions names every decision', () => {
  const listed = [...readFileSync('docs/adr/README.md', 'utf8').matchAll(/\]\((\d{4}-[^)]+)\)/g)].map(
    (match) => match[1]
  )
  deepStrictEqual(
    listed,
    globSync('docs/adr/[0-9]*.md')
      .map((path) => basename(path))
      .sort()
  )
})
