import { deepStrictEqual, match, ok, strictEqual, throws } from 'node:assert'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { prettyLine } from '../../src/app/log-pretty.ts'
import { createLogger, type LoggerOptions, type ProcessLogger } from '../../src/app/logger.ts'
import { GatewayError } from '../../src/lib/gateway-error.ts'

const flood = fileURLToPath(new URL('../support/log-flood.ts', import.meta.url))

function logFile(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cpg-log-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'gateway.log')
}

function create(output: string, overrides: Partial<LoggerOptions> = {}): ProcessLogger {
  return createLogger({
    level: 'info',
    format: 'json',
    output,
    async: false,
    onDropped: (lines) => {
      throw new Error(`${lines} lines were dropped`)
    },
    ...overrides
  })
}

function linesIn(path: string): Record<string, unknown>[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

test('without async a line is in the file when the call returns', async (context) => {
  const path = logFile(context)
  const logger = create(path)
  logger.info({ chargePointId: 'CP-1', epoch: 7 }, 'connected')
  const [line, ...rest] = linesIn(path)
  deepStrictEqual(rest, [])
  match(String(line?.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  deepStrictEqual({ ...line, time: '' }, { level: 'info', time: '', chargePointId: 'CP-1', epoch: 7, msg: 'connected' })
  await logger.close()
})

test('with async all that was logged is in the file once the log is closed, in order', async (context) => {
  const path = logFile(context)
  const logger = create(path, { async: true })
  for (let n = 0; n < 5_000; n += 1) logger.info({ n }, 'line')
  await logger.close()
  deepStrictEqual(
    linesIn(path).map((line) => line.n),
    Array.from({ length: 5_000 }, (_, n) => n)
  )
})

test('a level is the one of its own logger: a second one in the process changes nothing of the first', async (context) => {
  const path = logFile(context)
  const quiet = create(path, { level: 'error' })
  const loud = create(path, { level: 'debug', base: { node: 'gw-0' } })
  quiet.warn({}, 'not written')
  loud.debug({}, 'written')
  quiet.error({}, 'written as well')
  deepStrictEqual(
    linesIn(path).map(({ level, node, msg }) => [level, node, msg]),
    [
      ['debug', 'gw-0', 'written'],
      ['error', undefined, 'written as well']
    ]
  )
  await quiet.close()
  await loud.close()
})

test('nothing that is logged can throw', async (context) => {
  const path = logFile(context)
  const logger = create(path)
  const circle: Record<string, unknown> = {}
  circle.self = circle
  const hostile = {
    toJSON(): never {
      throw new Error('no JSON of me')
    }
  }
  logger.info({ circle, hostile, big: 10n, none: undefined, symbol: Symbol('s') }, 'odd')
  logger.error({ error: new Error('outer', { cause: new Error('inner') }) }, 'failed')
  const [odd, failed] = linesIn(path)
  strictEqual(odd?.msg, 'odd')
  match(JSON.stringify(failed?.error), /outer.*inner/)
  await logger.close()
})

test('an error that may pass by itself is its text on one line, a fault of the code has its stack', async (context) => {
  const path = logFile(context)
  const logger = create(path)
  const away = new GatewayError('registry_unavailable', 'Redis cannot be used', {
    canRetry: true,
    cause: new Error('x')
  })
  logger.warn({ error: away }, 'adoption waits')
  logger.warn({ error: new GatewayError('node_id_taken', 'another gateway') }, 'refused')
  const [passing, fault] = linesIn(path)
  strictEqual(passing?.error, 'registry_unavailable: Redis cannot be used')
  strictEqual(prettyLine(JSON.stringify(passing), false).split('\n').length, 2)
  match(
    prettyLine(JSON.stringify(passing), false),
    /adoption waits error="registry_unavailable: Redis cannot be used"\n$/
  )
  match(JSON.stringify(fault?.error), /logger\.test\.ts/)
  await logger.close()
})

test('an output that cannot be opened says which setting to correct', (context) => {
  const path = join(logFile(context), 'in', 'no', 'folder.log')
  throws(
    () => create(path),
    (error) =>
      error instanceof GatewayError && /log\.output '.*folder\.log' cannot be written.*correct it/.test(error.message)
  )
})

test('text for people is one line, and what a stranger put into it cannot reach the terminal', () => {
  const json = JSON.stringify({
    level: 'warn',
    time: '2026-11-23T10:00:00.123Z',
    chargePointId: 'CP\u001b[31m\n',
    reason: 'two words',
    epoch: 3,
    'k\u009by': { a: ['\u0085'] },
    msg: 'refused\r\n2026 ERROR forged'
  })
  strictEqual(
    prettyLine(json, false),
    '10:00:00.123 WARN  refused\\u000d\\u000a2026 ERROR forged chargePointId="CP\\u001b[31m\\n" reason="two words" epoch=3 k\\u009by={"a":["\\u0085"]}\n'
  )
  ok(prettyLine(json, true).startsWith('\u001b[90m10:00:00.123\u001b[0m \u001b[33mWARN '))
})

test('the stack of an error stands below its line', () => {
  const json = JSON.stringify({ level: 'error', time: '', error: { stack: 'Error: bad\n    at here' }, msg: 'failed' })
  strictEqual(prettyLine(json, false), ' ERROR failed\n    Error: bad\n        at here\n')
})

interface Told {
  readonly kind: string
  readonly dropped: number
  readonly rssBytes: number
  readonly turns: number
}

async function told(child: ChildProcess, kind: string): Promise<Told> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [Told]
    if (message.kind === kind) return message
  }
}

/** Logs a million lines into an output that nobody reads. `open` lets the reader begin. */
async function flooded(
  context: TestContext,
  through: 'pipe' | 'socket'
): Promise<{ child: ChildProcess; logged: Told; open: () => void }> {
  const child =
    through === 'socket'
      ? spawn(process.execPath, [flood, '1000000'], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], detached: true })
      : // A pipe of the shell, whose reader begins when it is told on descriptor 4.
        spawn('sh', ['-c', '"$0" "$1" 1000000 | { read -r _ <&4; exec cat; }', process.execPath, flood], {
          stdio: ['ignore', 'pipe', 'inherit', 'ipc', 'pipe'],
          detached: true
        })
  // The whole group: the shell's pipe has two more processes.
  context.after(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL')
  })
  const logged = await told(child, 'logged')
  return { child, logged, open: () => (child.stdio[4] as Writable | undefined)?.end('\n') }
}

for (const through of ['pipe', 'socket'] as const) {
  // Known failure B1: a logger that waited for its output filled the event queues, and events were dropped.
  test(`a ${through} that nobody reads neither blocks the loop nor grows memory, and what is dropped is counted`, async (context) => {
    const { child, logged, open } = await flooded(context, through)
    strictEqual(logged.turns, 1_000)
    ok(logged.dropped > 900_000, `${logged.dropped} dropped`)
    ok(logged.rssBytes < 256 * 1024 * 1024, `${logged.rssBytes} bytes`)

    let written = 0
    let reported = 0
    let last = 0
    const recovered = Promise.withResolvers<void>()
    const reader = createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> })
    reader.on('line', (text) => {
      const line = JSON.parse(text) as { n?: number; dropped?: number }
      if (line.dropped !== undefined) {
        reported += line.dropped
        recovered.resolve()
        return
      }
      ok((line.n ?? 0) > last, 'lines keep their order')
      last = line.n ?? 0
      written += 1
    })
    open()
    // Nothing more is logged: the report comes by itself, once there is room again.
    await recovered.promise
    child.send('close')
    const [closed] = await Promise.all([told(child, 'closed'), once(reader, 'close')])
    strictEqual(written + closed.dropped, 1_000_000)
    strictEqual(reported, closed.dropped)
  })
}

test('an output that stays stalled does not hold up the exit', async (context) => {
  const { child } = await flooded(context, 'socket')
  child.send('exit')
  const [code] = await once(child, 'exit')
  strictEqual(code, 0)
})

test('a log that is closed while its output is stalled counts what it could not write', async (context) => {
  const { child, logged } = await flooded(context, 'socket')
  child.send('close')
  const closed = await told(child, 'closed')
  ok(closed.dropped > logged.dropped)
})

test('a reader that has gone away costs the lines, not the process', async (context) => {
  const { child } = await flooded(context, 'socket')
  child.stdout?.destroy()
  child.send('close')
  const closed = await told(child, 'closed')
  ok(closed.dropped > 990_000)
})
