import { match, strictEqual } from 'node:assert'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'

const main = 'src/cli/main.ts'

test('the process ends with the exit code of its command, results on stdout, complaints on stderr', () => {
  const version = spawnSync(process.execPath, [main, '--version'], { encoding: 'utf8' })
  strictEqual(version.status, 0)
  match(version.stdout, /^\d+\.\d+\.\d+\n$/)
  strictEqual(version.stderr, '')
  const wrong = spawnSync(process.execPath, [main, 'config', 'check', '--log.levl=x'], { encoding: 'utf8' })
  strictEqual(wrong.status, 2)
  strictEqual(wrong.stdout, '')
  strictEqual(wrong.stderr, '--log.levl: unknown flag; did you mean --log.level?\n')
})

test('a reader that closes the pipe early is no failure', async () => {
  const child = spawn(process.execPath, [main, 'config', 'example'], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said: string[] = []
  child.stderr.on('data', (chunk) => said.push(String(chunk)))
  child.stdout.destroy()
  const [code] = await once(child, 'exit')
  strictEqual(code, 0)
  strictEqual(said.join(''), '')
})

test('no colours in a pipe', () => {
  const { stdout } = spawnSync(process.execPath, [main, 'doctor', '--server.port=0', '--api.port=0'], {
    encoding: 'utf8'
  })
  strictEqual(stdout.includes('\u001b'), false)
  match(stdout, /^ok +node /m)
})
