import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { nodeProblem, oldestNode } from '../../src/cli/node-version.ts'

test('a Node that is too old gets one plain sentence that says what to do', () => {
  match(
    nodeProblem('20.19.5') ?? '',
    /^charge-point-gateway needs Node 24 or newer, and this is Node 20\.19\.5: install .+\.$/
  )
  strictEqual(nodeProblem('24.0.0'), undefined)
  strictEqual(nodeProblem('100.1.0'), undefined)
})

test('the oldest Node is the one that package.json names', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8'))
  strictEqual(engines.node, `>=${oldestNode}`)
})

// Static imports are read before the first line runs: with one more of them an old Node would die of its syntax first.
test('main imports nothing but the check before the check', () => {
  const imports = (file: string): string[] =>
    [...readFileSync(file, 'utf8').matchAll(/^import .*from '(.*)'/gm)].map((found) => found[1] ?? '')
  deepStrictEqual(imports('src/cli/main.ts'), ['./node-version.ts'])
  deepStrictEqual(imports('src/cli/node-version.ts'), [])
})
