import { match, ok, strictEqual } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { clusterSuites } from '../../scripts/bench/cluster-suites.ts'
import { markdownTable } from '../../scripts/bench/markdown.ts'

function bench(...args: readonly string[]) {
  return spawnSync(process.execPath, ['scripts/bench/main.ts', ...args], { encoding: 'utf8', timeout: 30_000 })
}

test('the help of the bench says what each suite measures, and every option', () => {
  const { status, stdout } = bench('--help')
  strictEqual(status, 0)
  for (const { name, about } of clusterSuites) ok(stdout.includes(`  ${name.padEnd(11)} ${about}`), name)
  for (const suite of ['start', 'messages', 'idle']) match(stdout, new RegExp(`^  ${suite} +\\S`, 'm'))
  for (const option of ['rounds', 'seconds', 'connections', 'stations', 'commands', 'back-off'])
    match(stdout, new RegExp(`^  --${option} N +\\S`, 'm'))
})

test('the bench measures nothing when it is asked for a suite that there is not, or for no number', () => {
  const unknown = bench('--only', 'topic', '--only', 'topics')
  strictEqual(unknown.status, 2)
  match(unknown.stderr, /no such suite: topics/)
  const none = bench('--only', 'topic', '--rounds', 'many')
  strictEqual(none.status, 2)
  match(none.stderr, /--rounds takes a whole number from 1/)
})

test('a table of the bench can be pasted into a page as it is', () => {
  const table = markdownTable(['what', 'n'], [['events a second', '1,000']])
  strictEqual(
    table,
    ['| what            |     n |', '| --------------- | ----: |', '| events a second | 1,000 |'].join('\n')
  )
})
