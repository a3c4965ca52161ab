import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startRedis } from '../../scripts/services/redis.ts'
import { Station } from '../support/station.ts'

// What is published, as somebody who never saw the repository meets it: in an empty folder.

const root = fileURLToPath(new URL('../..', import.meta.url))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string }
const folder = mkdtempSync(join(tmpdir(), 'cpg-package-'))
let packed: readonly string[] = []
after(() => rmSync(folder, { recursive: true, force: true }))

function run(command: string, args: readonly string[], cwd = folder): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', timeout: 300_000, stdio: ['ignore', 'pipe', 'inherit'] })
}

before(() => {
  run('npm', ['run', 'build', '--silent'], root)
  const [report] = JSON.parse(run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], root)) as [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] }
  ]
  packed = report.files.map((file) => file.path)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', join(folder, report.filename)])
})

test('the package holds what runs and what describes it, and nothing of the workshop', () => {
  for (const wanted of ['dist/cli/main.js', 'dist/events/public.d.ts', 'README.md', 'LICENSE', 'CHANGELOG.md']) {
    ok(packed.includes(wanted), `${wanted} is missing`)
  }
  ok(packed.some((path) => path.startsWith('schemas/events/')))
  deepStrictEqual(
    packed.filter(
      (path) => /^(src|test|scripts|tools|docs|data|\.)/.test(path) || (path.endsWith('.ts') && !path.endsWith('.d.ts'))
    ),
    []
  )
})

test('a consumer in TypeScript gets the types of the events', () => {
  writeFileSync(
    join(folder, 'consumer.ts'),
    `import type { GatewayEvent } from 'charge-point-gateway/events'
export function idOf(event: GatewayEvent<'transaction.started'>): string {
  return event.data.transactionId
}
// @ts-expect-error: there is no such type of event
export type None = GatewayEvent<'no.such.type'>
`
  )
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/typescript/bin/tsc'),
      ...['--strict', '--noEmit', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false', '--types', ''],
      ...['--target', 'es2024', '--module', 'nodenext', 'consumer.ts']
    ],
    { cwd: folder, encoding: 'utf8' }
  )
  strictEqual(stdout, '')
  strictEqual(status, 0)
})

test('the module of the events can be imported at run time', () => {
  run(process.execPath, ['--input-type=module', '-e', `await import('charge-point-gateway/events')`])
})

test('both names of the command run and know their version', () => {
  for (const name of ['cpg', 'charge-point-gateway']) {
    ok((statSync(join(folder, 'node_modules/.bin', name)).mode & 0o111) !== 0)
    match(run('npx', ['--no-install', name, '--version']), new RegExp(`\\b${version.replaceAll('.', '\\.')}\\b`))
  }
})

/** The installed gateway, with a folder of its own, once it listens: where its API is, and how it is stopped. */
async function serve(t: TestContext, data: string, ...more: readonly string[]) {
  const flags = [
    '--server.host',
    '127.0.0.1',
    '--server.port',
    '0',
    '--api.port',
    '0',
    '--data_dir',
    join(folder, data)
  ]
  const child = spawn(join(folder, 'node_modules/.bin/cpg'), ['serve', ...flags, ...more], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  const at = await new Promise<{ readonly api: string; readonly chargePoints: string }>((resolve, reject) => {
    void exited.then(([code]) => reject(new Error(`the gateway ended (${code}) before it listened`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as { readonly api?: string; readonly chargePoints?: string }
      if (said.api && said.chargePoints) resolve({ api: said.api, chargePoints: said.chargePoints })
    })
  })
  return {
    ...at,
    stop: async () => {
      child.kill('SIGTERM')
      deepStrictEqual(await exited, [0, null])
    }
  }
}

test('the installed gateway starts, is alive, logs through its worker and stops', async (t) => {
  const { api, stop } = await serve(t, 'data')
  const response = await fetch(`${api}/health/live`)
  strictEqual(response.status, 200)
  await stop()
})

test('the installed gateway works with a Redis: its scripts are in the package', async (t) => {
  const redis = await startRedis()
  t.after(() => redis.close())
  const gateway = await serve(t, 'shared', '--redis.url', redis.url, '--redis.lease_ttl', '2s')
  const station = await Station.connect({ url: gateway.chargePoints, id: 'CP-1' })
  ok((await station.boot()).ok)
  const start = { connectorId: 1, idTag: 'TAG', meterStart: 0, timestamp: '2026-11-23T10:00:00.000Z' }
  ok((await station.call('StartTransaction', start)).ok)
  const response = await fetch(`${gateway.api}/v1/charge-points/CP-1/commands`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: 'wait=10' },
    body: JSON.stringify({ type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Soft' } } })
  })
  strictEqual(((await response.json()) as { readonly outcome?: string }).outcome, 'accepted')
  const { dependencies } = (await (await fetch(`${gateway.api}/health/ready`)).json()) as {
    readonly dependencies: readonly { readonly name: string; readonly state: string }[]
  }
  strictEqual(dependencies.find(({ name }) => name === 'redis')?.state, 'up')
  await station.close()
  await gateway.stop()
  const scripts = (where: string) => globSync('**/*.lua', { cwd: where }).map((path) => basename(path))
  deepStrictEqual(
    scripts(join(folder, 'node_modules/charge-point-gateway/dist')).sort(),
    scripts(join(root, 'src')).sort()
  )
})
