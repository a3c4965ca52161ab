import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { GatewayEvent } from '../../src/events/envelope.ts'
import { assertValidEvent } from './valid-event.ts'

const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** A gateway in a process of its own, on free ports and a folder that outlives its restarts. */
export class GatewayProcess {
  readonly dataDir: string
  readonly #flags: readonly string[]
  #child: ChildProcess | undefined
  /** `ws://127.0.0.1:port/ocpp` */
  url = ''
  /** `http://127.0.0.1:port` */
  api = ''
  /** Everything that it wrote to standard error and output. */
  said = ''

  constructor(flags: readonly string[] = []) {
    this.dataDir = mkdtempSync(join(tmpdir(), 'cpg-test-'))
    this.#flags = flags
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  async start(): Promise<this> {
    const child = spawn(
      process.execPath,
      [
        cli,
        'serve',
        '--server.host',
        '127.0.0.1',
        '--server.port',
        '0',
        '--api.port',
        '0',
        '--data_dir',
        this.dataDir,
        ...this.#flags
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.dataDir }
    )
    this.#child = child
    child.stderr?.on('data', (chunk) => {
      this.said += String(chunk)
    })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    child.once('exit', (code, signal) =>
      reject(new Error(`the gateway ended (${code ?? signal}) before it listened:\n${this.said}`))
    )
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.said += `${line}\n`
      if (!line.startsWith('{')) return
      const said: { chargePoints?: string; api?: string } = JSON.parse(line)
      if (!said.chargePoints || !said.api) return
      this.url = said.chargePoints
      this.api = said.api
      resolve()
    })
    await promise
    return this
  }

  /** Ends it with a signal and resolves with its exit code, or the signal's name when it died of it. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | string> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? child?.signalCode ?? 0
    const exited = once(child, 'exit')
    child.kill(signal)
    const [code, by] = await exited
    return code ?? by
  }

  /** Only a signal, without waiting. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL')
    rmSync(this.dataDir, { recursive: true, force: true })
  }

  async get(
    path: string,
    init: RequestInit = {}
  ): Promise<{ readonly status: number; readonly headers: Headers; readonly body: unknown }> {
    const response = await fetch(`${this.api}${path}`, init)
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }

  post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): ReturnType<GatewayProcess['get']> {
    return this.get(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body)
    })
  }

  /** Every event in the log, in order, read page by page as a consumer would. Fails if one is not as its schema says. */
  async events(query = ''): Promise<GatewayEvent[]> {
    const events: GatewayEvent[] = []
    let after = ''
    for (;;) {
      const { body } = await this.get(
        `/v1/events?limit=1000${query}${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`
      )
      const page = body as { readonly events: GatewayEvent[]; readonly next: string }
      for (const event of page.events) assertValidEvent(event)
      events.push(...page.events)
      if (page.next === after) return events
      after = page.next
    }
  }
}
