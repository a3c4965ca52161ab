import { deepStrictEqual, ok } from 'node:assert'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { generatedFiles, strayFiles } from '../scripts/generate.ts'
import { refusals } from '../src/gateway/refusals.ts'
import { metricCatalogue } from '../src/ports/metrics.ts'
import { closeReasons } from '../src/session/close-reasons.ts'

test('every generated file is current: npm run generate', () => {
  const stale = [...generatedFiles()].filter(([path, text]) => {
    try {
      return readFileSync(path, 'utf8') !== text
    } catch {
      return true
    }
  })
  deepStrictEqual(
    stale.map(([path]) => path),
    []
  )
})

test('the folders of generated files hold nothing else', () => {
  deepStrictEqual(strayFiles(), [])
})

test('every metric, close reason and refusal stands in its page', () => {
  const files = generatedFiles()
  const has = (path: string, name: string): void =>
    ok(files.get(path)?.includes(`| \`${name}\` |`), `${name} in ${path}`)
  for (const name of Object.keys(metricCatalogue)) has('docs/generated/metrics.md', `cpg_${name}`)
  for (const name of [...Object.keys(closeReasons), ...Object.keys(refusals)])
    has('docs/generated/connection-ends.md', name)
})
