import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type ProblemCode, problems } from '../../src/api/problems.ts'
import { configKeys } from '../../src/config/schema.ts'
import { Harness } from './support/harness.ts'

const codes = Object.keys(problems) as ProblemCode[]

test('every problem is used by the code', () => {
  const source = globSync('src/api/**/*.ts')
    .filter((file) => !/(?:problems|schemas)\.ts$/.test(file))
    .map((file) => readFileSync(file, 'utf8').replaceAll(/problemAnswers\([^)]*\)/g, ''))
    .join('\n')
  deepStrictEqual(
    codes.filter((code) => !source.includes(`'${code}'`)),
    []
  )
})

test('every problem has a test that meets it', () => {
  const tests = globSync('test/api/**/*.test.ts')
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  deepStrictEqual(
    codes.filter((code) => !tests.includes(`'${code}'`)),
    []
  )
})

test('every problem but those of no route stands in the OpenAPI document', async () => {
  const document = await new Harness().document()
  const descriptions = Object.values(document.paths)
    .flatMap((item) => Object.values(item))
    .flatMap(({ responses }) => Object.values(responses))
    .map(({ description }) => description)
    .join(' ')
  deepStrictEqual(
    codes.filter((code) => !descriptions.includes(`\`${code}\``)),
    ['not_found']
  )
})

test('the catalogue is served, and the type of each problem leads to it', async () => {
  const harness = new Harness()
  const listed = (await harness.call('/v1/problems')).json().problems as { code: string }[]
  deepStrictEqual(
    listed.map(({ code }) => code),
    codes
  )
  const { type } = (await harness.call('/v1/commands/none')).json()
  const served = await harness.call(type)
  deepStrictEqual(served.json(), { code: 'command_unknown', ...problems.command_unknown })
  const unknown = await harness.call('/v1/problems/nothing')
  deepStrictEqual([unknown.statusCode, unknown.json().code], [404, 'problem_unknown'])
  strictEqual((await harness.call('/v1/problems/constructor')).statusCode, 404)
})

test('every problem says what to do in a sentence', () => {
  for (const { status, title, remedy } of Object.values(problems)) {
    ok(status >= 400 && status < 600)
    ok(/^[A-Z].*[^.]$/.test(title), title)
    ok(/\.$/.test(remedy), remedy)
  }
})

test('every setting that a remedy names exists', () => {
  const known = new Set(configKeys.map(({ name }) => name))
  const named = Object.values(problems).flatMap(({ remedy }) =>
    [...remedy.matchAll(/`((?:api|limits|event_log)\.[a-z_]+)`/g)].map(([, name]) => name ?? '')
  )
  ok(named.length > 5)
  deepStrictEqual(
    named.filter((name) => !known.has(name)),
    []
  )
})
