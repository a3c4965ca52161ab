import { match, ok, strictEqual } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { GatewayProcess } from '../support/gateway-process.ts'
import { Station } from '../support/station.ts'

// The mistakes that people make, each with a message that says what to do.

const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'cpg-errors-'))
const gateway = new GatewayProcess(['--log.level', 'error'])
before(() => gateway.start())
after(async () => {
  await gateway.remove()
  rmSync(folder, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  readonly said: string
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, ...env }
  })
  return { code: status, said: `${stdout}${stderr}` }
}

const free = ['--server.host', '127.0.0.1', '--server.port', '0', '--api.port', '0']
const serve = (...flags: string[]) => run(['serve', ...free, ...flags])

function expect(ended: Ended, code: number, ...words: RegExp[]): void {
  for (const word of words) match(ended.said, word)
  strictEqual(ended.code, code, ended.said)
  ok(!/\n\s+at .*\.ts:/.test(ended.said), `no stack trace for a mistake of the user:\n${ended.said}`)
}

test('a port that is taken is named, with the key to change', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  expect(
    serve('--server.port', String(port), '--data_dir', join(folder, 'a')),
    1,
    new RegExp(String(port)),
    /server\.port/
  )
  expect(serve('--api.port', String(port), '--data_dir', join(folder, 'a')), 1, new RegExp(String(port)), /api\.port/)
  await new Promise((resolve) => other.close(resolve))
})

test('a data_dir in use, not writable or of another version is refused', () => {
  expect(serve('--data_dir', gateway.dataDir), 1, /in use/, /data_dir/)
  const file = join(folder, 'file')
  writeFileSync(file, 'not a folder')
  expect(serve('--data_dir', file), 1, /data_dir/)
  const closed = join(folder, 'closed')
  mkdirSync(closed)
  chmodSync(closed, 0o500)
  // Root may write anywhere: there the folder is made unusable by a path that cannot exist.
  expect(serve('--data_dir', process.getuid?.() === 0 ? '/proc/cpg' : closed), 1, /data_dir/)
})

test('an unknown key, variable or flag names its source and the nearest known one', () => {
  writeFileSync(join(folder, 'typo.yaml'), 'log:\n  asinc: true\n')
  expect(run(['config', 'check', '--config', 'typo.yaml']), 2, /typo\.yaml:2/, /log\.async/)
  expect(serve('--log.levle', 'debug'), 2, /log\.level/)
  const variable = run(['serve', ...free], { CPG_LOG_LEVLE: 'debug' })
  expect(variable, 2, /CPG_LOG_LEVLE/, /CPG_LOG_LEVEL/)
})

test('an idle timeout below 2.5 ping intervals is refused with both values', () => {
  expect(
    serve('--server.ping_interval', '60s', '--server.idle_timeout', '60s'),
    2,
    /idle_timeout/,
    /ping_interval/,
    /2\.5/
  )
})

test('an API that is bound to the world needs a token', () => {
  expect(serve('--api.host', '0.0.0.0', '--data_dir', join(folder, 'b')), 2, /api\.tokens/)
})

test('a wrong sub-protocol is refused in one plain line', async () => {
  const refused = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const ws = new WebSocket(`${gateway.url}/CP-1`, 'ocpp1.5')
    ws.once('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += String(chunk)
      })
      response.on('end', () => resolve({ status: response.statusCode, body }))
    })
    ws.once('open', () => reject(new Error('it was let in')))
  })
  strictEqual(refused.status, 400)
  match(refused.body, /ocpp1\.6/)
})

test('bad JSON in send, an offline charge point and a consumer that does not exist say what to do', async () => {
  const url = ['--url', gateway.api]
  expect(run(['send', 'CP-1', 'ocpp.call', '{"action":', ...url]), 2, /JSON/)
  const station = await Station.connect({ url: gateway.url, id: 'GONE' })
  await station.boot()
  await station.close()
  const offline = run(['send', 'GONE', 'ocpp.call', '{"action":"Reset","payload":{"type":"Soft"}}', ...url])
  expect(offline, 4, /not connected|offline/)
  const consumer = await gateway.get('/v1/consumers/nobody')
  strictEqual(consumer.status, 404)
  match(JSON.stringify(consumer.body), /PUT/)
})
