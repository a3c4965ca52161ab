import { ok, strictEqual } from 'node:assert'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Redis, startRedis } from '../../scripts/services/redis.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { until } from '../support/kafka-records.ts'

// How a mistake with Kafka or Redis is made, and what is expected of a gateway and of `doctor` then.

export const password = 'p@ss: w0rd/'
const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
export const folder = mkdtempSync(join(tmpdir(), 'cpg-cluster-errors-'))
const rules =
  '~cpg:* &cpg:* +@read +@write +@scripting +@pubsub +@connection +time +info +cluster|slots +cluster|shards'
const opened: (() => Promise<void>)[] = []

after(async () => {
  for (const close of opened) await close()
  rmSync(folder, { recursive: true, force: true })
})

/** For what a test opens: closed at the end of its file, first of all. */
export function closeAtEnd(close: () => Promise<void>): void {
  opened.push(close)
}

/** With TLS and two users: all that a gateway needs, and all of it but the messages between nodes. */
export function startSecureRedis(): Promise<Redis> {
  return startRedis({
    tls: true,
    persistence: true,
    users: [
      { name: 'gateway', password, rules: rules.split(' ') },
      { name: 'deaf', password, rules: rules.split(' ').filter((rule) => rule !== '&cpg:*') }
    ]
  })
}

/** The flags of a gateway that logs in to it. */
export function redisOverTls(redis: Redis, secret = password, user = 'gateway'): string[] {
  const url = `rediss://127.0.0.1:${redis.tls?.port}`
  const ca = redis.tls?.certificates.ca ?? ''
  return ['--redis.url', url, '--redis.username', user, '--redis.password', secret, '--redis.tls_ca_file', ca]
}

interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly found: string
  readonly advice?: string
}

interface Examined {
  readonly code: number | null
  readonly findings: readonly Finding[]
}

export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {}
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    timeout: 30_000
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    said.err += String(chunk)
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...said }
}

export async function doctor(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Examined> {
  const { code, out, err } = await run(['doctor', '--json', '--data_dir', join(folder, 'd'), ...flags], env)
  strictEqual(err, '')
  return { code, findings: JSON.parse(out) }
}

/** One finding, by its check and a word of what was found. */
export function expectFinding(
  { findings }: Examined,
  state: Finding['state'],
  check: string,
  ...words: readonly RegExp[]
): void {
  const text = findings.map((one) => `${one.state} ${one.check} ${one.found} -> ${one.advice ?? ''}`)
  const lines = text.filter((line) => line.startsWith(`${state} ${check} `))
  ok(
    lines.some((line) => words.every((word) => word.test(line))),
    `${state} ${check} ${words.join(' ')} in\n${text.join('\n')}`
  )
}

export async function start(...flags: readonly string[]): Promise<GatewayProcess> {
  const gateway = new GatewayProcess(['--log.level', 'warn', ...flags])
  closeAtEnd(() => gateway.remove())
  return await gateway.start()
}

/** Waits until a dependency says this in `/health/ready`; the gateway is ready all the same. */
export async function expectReadiness(
  gateway: GatewayProcess,
  name: string,
  ...words: readonly RegExp[]
): Promise<void> {
  let last: unknown
  await until(`${name} says ${words.join(' ')}`, async () => {
    const { status, body } = await gateway.get('/health/ready')
    strictEqual(status, 200)
    const { dependencies } = body as {
      readonly dependencies: readonly { name: string; state: string; detail?: string }[]
    }
    const own = dependencies.find((dependency) => dependency.name === name)
    last = own
    return own !== undefined && own.state !== 'up' && words.every((word) => word.test(own.detail ?? ''))
  }).catch((error: unknown) => {
    throw new Error(`${error}; it said ${JSON.stringify(last)}`)
  })
}

/** What was logged of Kafka and Redis: a line for each change, and no stack. Readiness may say it before the log's line has come. */
export async function expectTold(gateway: GatewayProcess, ...lines: readonly RegExp[]): Promise<void> {
  const told = () => gateway.said.split('\n').filter((line) => /Kafka|Redis/.test(line))
  await until(`the log says ${lines.join(' ')}`, () => told().length >= lines.length).catch((error: unknown) => {
    throw new Error(`${error} in\n${gateway.said}`)
  })
  ok(!/\n\s+at .*\.ts:|"stack"/.test(gateway.said), gateway.said)
  for (const line of lines)
    strictEqual(told().filter((text) => line.test(text)).length, 1, `${line} in\n${gateway.said}`)
  strictEqual(told().length, lines.length, gateway.said)
}
