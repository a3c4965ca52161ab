import { match, ok, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { run } from '../../src/cli/run.ts'
import { fakeIo } from './fake-io.ts'

const commands = ['serve', 'config', 'doctor', 'connections', 'events', 'send', 'disconnect']

async function runWith(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = fakeIo()
  const code = await run(argv, io)
  return { code, ...io.said }
}

test('help lists every command with one line, and no command at all is wrong usage', async () => {
  for (const argv of [['help'], ['--help'], ['-h']]) {
    const { code, out } = await runWith(...argv)
    strictEqual(code, 0)
    for (const name of commands) match(out, new RegExp(`^ {2}${name} +[A-Z].+\\.$`, 'm'))
    ok(out.split('\n').every((line) => line.length <= 120))
  }
  const { code, out, err } = await runWith()
  strictEqual(code, 2)
  strictEqual(out, '')
  match(err, /Usage: charge-point-gateway COMMAND/)
})

test('every command has its own help, however it is asked for', async () => {
  for (const name of commands) {
    for (const argv of [
      [name, '--help'],
      [name, '-h'],
      ['help', name]
    ]) {
      const { code, out } = await runWith(...argv)
      strictEqual(code, 0, argv.join(' '))
      match(out, new RegExp(`Usage: charge-point-gateway ${name}`))
    }
  }
})

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  strictEqual((await runWith('--version')).out, `${version}\n`)
})

test('an unknown command names the nearest one and is wrong usage', async () => {
  const slip = await runWith('srve')
  strictEqual(slip.code, 2)
  strictEqual(slip.err, 'There is no command srve; did you mean serve?\n')
  match((await runWith('conections')).err, /did you mean connections\?/)
  match((await runWith('zzzzzzzzzz')).err, /charge-point-gateway help lists the commands/)
  const flag = await runWith('--log.level', 'debug')
  strictEqual(flag.code, 2)
  match(flag.err, /the command comes first/)
})

test('a wrong configuration is told line by line, without a stack, and exits 2', async () => {
  for (const name of ['serve', 'doctor']) {
    const { code, err } = await runWith(name, '--log.levl', 'debug', '--server.port', 'x')
    strictEqual(code, 2)
    strictEqual(
      err,
      '--log.levl: unknown flag; did you mean --log.level?\n--server.port: "x" is not valid; expected a whole number from 0 to 65535\n'
    )
  }
})
