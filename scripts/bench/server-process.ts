import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A server under test, in a process of its own. */
export interface ServerProcess {
  readonly name: string
  /** `ws://host:port/ocpp`, without the charge point id. */
  readonly url: string
  /** `http://host:port` of the gateway's API; a bare server has none. */
  readonly apiUrl?: string
  /** From spawn to listening. */
  readonly listenMs: number
  cpuSeconds(): number
  residentBytes(): number
  stop(): Promise<void>
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
/** `/proc` counts CPU time in ticks of 1/100 s on every Linux that Node supports. */
const ticksPerSecond = 100

/** `ws` alone: parses each frame and answers `{}`. The baseline that every figure stands beside. */
export function startBareServer(): Promise<ServerProcess> {
  return start('bare ws', [here('bare-server.ts')], () => {})
}

/** The gateway with its embedded default on a new, empty folder that is removed at the end. */
export function startGatewayServer(flags: readonly string[] = []): Promise<ServerProcess> {
  const dataDir = mkdtempSync(join(tmpdir(), 'cpg-bench-'))
  const args = [
    here('../../src/cli/main.ts'),
    'serve',
    '--server.port',
    '0',
    '--server.host',
    '127.0.0.1',
    '--api.port',
    '0',
    '--data_dir',
    dataDir
  ]
  return start('gateway', [...args, '--log.level', 'warn', ...flags], () =>
    rmSync(dataDir, { recursive: true, force: true })
  )
}

async function start(name: string, args: readonly string[], cleanUp: () => void): Promise<ServerProcess> {
  const beganMs = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  // After Ctrl-C too.
  const onExit = () => {
    child.kill('SIGKILL')
    cleanUp()
  }
  process.once('exit', onExit)
  const listening = await firstListening(child, name)
  const listenMs = performance.now() - beganMs
  const pid = child.pid ?? 0
  return {
    name,
    listenMs,
    url: listening.url,
    ...(listening.apiUrl === undefined ? {} : { apiUrl: listening.apiUrl }),
    cpuSeconds: () => cpuSecondsOf(pid),
    residentBytes: () => residentBytesOf(pid),
    async stop() {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await exited
      process.off('exit', onExit)
      cleanUp()
    }
  }
}

interface Listening {
  readonly url: string
  readonly apiUrl?: string
}

/** Both servers say where they listen in one JSON line on standard output. */
function firstListening(child: ChildProcess, name: string): Promise<Listening> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it listened`)))
    const lines = createInterface({ input: child.stdout ?? process.stdin })
    lines.on('line', (line) => {
      const said: { chargePoints?: string; api?: string } = line.startsWith('{') ? JSON.parse(line) : {}
      if (said.chargePoints)
        resolve({ url: said.chargePoints, ...(said.api === undefined ? {} : { apiUrl: said.api }) })
    })
  })
}

/** User and system time of all threads of a process so far. */
export function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold spaces; utime and stime are fields 14 and 15.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

export function residentBytesOf(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1] ?? 0) * 1024
}
