import { match, ok, rejects, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { configCommand } from '../../src/cli/config-command.ts'
import { fakeIo } from './fake-io.ts'

async function config(
  argv: string[],
  env: Record<string, string> = {}
): Promise<{ code: number; out: string; err: string }> {
  const io = fakeIo({ env })
  const code = await configCommand.run(argv, io)
  return { code, ...io.said }
}

test('config check says what is valid, and tells notices', async () => {
  const { code, out, err } = await config(['check', '--log.level', 'debug'], { CPG_SERVICE_HOST: '10.0.0.1' })
  strictEqual(code, 0)
  match(out, /^The configuration is valid \(no file; 1 of \d+ keys set\)\.\n$/)
  match(err, /ignored environment variables that Kubernetes makes .*: CPG_SERVICE_HOST\n$/)
})

test('config check fails with every fault', async () => {
  await rejects(config(['check', '--log.level', 'loud', '--prot']), {
    code: 'bad_configuration',
    message: /--prot.*\n.*log\.level/
  })
})

test('config print gives the values in force, as YAML or JSON', async () => {
  const yaml = await config(['print', '--server.port', '9000'])
  strictEqual(parse(yaml.out).server.port, 9000)
  match(yaml.out, /port: 9000 +# --server\.port$/m)
  const json = JSON.parse((await config(['print', '--json', '--server.port', '9000'])).out)
  strictEqual(json['server.port'].value, 9000)
  strictEqual(json['server.port'].origin, '--server.port')
})

test('config doc, schema and example print the generated files', async () => {
  strictEqual((await config(['doc'])).out, readFileSync('docs/generated/configuration.md', 'utf8'))
  strictEqual((await config(['schema'])).out, readFileSync('schemas/config.json', 'utf8'))
  strictEqual((await config(['example'])).out, readFileSync('docs/generated/gateway.example.yaml', 'utf8'))
  strictEqual((await config(['doc', 'more'])).code, 2)
})

test('an unknown subcommand names the nearest', async () => {
  const { code, err } = await config(['chekc'])
  strictEqual(code, 2)
  match(err, /did you mean check\?/)
  const none = await config([])
  strictEqual(none.code, 2)
  ok(none.err.includes('check, print, doc, schema, example'))
})
