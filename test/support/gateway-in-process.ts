import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { type RunningGateway, startGateway } from '../../src/app/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import type { GatewayEvent } from '../../src/events/envelope.ts'
import { Station, type StationOptions } from './station.ts'

export type Flags = Readonly<Record<string, string>>

/** The configuration that these flags make. Throws the faults. */
export function configOf(flags: Flags): Config {
  const argv = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  const loaded = loadConfig({ argv, env: {}, hostName: 'test-host', readFile: (file) => readFileSync(file, 'utf8') })
  if (!loaded.ok) throw new Error(loaded.faults.map(({ text }) => text).join('\n'))
  return loaded.config
}

/** A whole gateway in this process, on free ports and in a folder of its own; `{dir}` in a flag is that folder. */
export class GatewayInProcess {
  readonly dir: string
  readonly config: Config
  readonly running: RunningGateway
  readonly #sockets: { terminate?(): void; destroy?(): void }[] = []
  #stopping: Promise<void> | undefined

  private constructor(dir: string, config: Config, running: RunningGateway) {
    this.dir = dir
    this.config = config
    this.running = running
  }

  static async start(flags: Flags, prepare: (dir: string) => void = () => undefined): Promise<GatewayInProcess> {
    const dir = mkdtempSync(join(tmpdir(), 'cpg-test-'))
    const all = {
      'server.host': '127.0.0.1',
      'server.port': '0',
      'api.port': '0',
      data_dir: '{dir}/data',
      'log.output': '{dir}/log',
      'shutdown.deadline': '300ms',
      ...flags
    }
    const entries = Object.entries(all).map(([name, value]) => [name, value.replaceAll('{dir}', dir)])
    try {
      prepare(dir)
      const config = configOf(Object.fromEntries(entries))
      const io = { version: '0.0.0', terminal: false, notices: [] }
      return new GatewayInProcess(dir, config, await startGateway(config, io))
    } catch (error) {
      rmSync(dir, { recursive: true, force: true })
      throw error
    }
  }

  get url(): string {
    const { host, port } = this.running.chargePoints
    return `ws://${host}:${port}${this.config.server.path}`
  }

  async station(id: string, options: Partial<StationOptions> = {}): Promise<Station> {
    const station = await Station.connect({ url: this.url, id, ...options })
    this.#sockets.push(station)
    return station
  }

  /** A station that has registered. */
  async booted(id: string, options: Partial<StationOptions> = {}): Promise<Station> {
    const station = await this.station(id, options)
    await station.boot()
    return station
  }

  /** `open`, or the HTTP status of the refusal. */
  async knock(
    url: string,
    protocols: string[] = ['ocpp1.6'],
    options: ConstructorParameters<typeof WebSocket>[2] = {}
  ): Promise<WebSocket | number> {
    const socket = new WebSocket(url, protocols, options)
    this.#sockets.push(socket)
    const { promise, resolve } = Promise.withResolvers<WebSocket | number>()
    socket.once('open', () => resolve(socket))
    socket.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    socket.on('error', () => resolve(0))
    return promise
  }

  /** A bare socket to one of the two ports. */
  async raw(to: 'chargePoints' | 'api'): Promise<Socket> {
    const { host, port } = this.running[to]
    const socket = connect(port, host)
    socket.on('error', () => socket.destroy())
    this.#sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const { host, port } = this.running.api
    return fetch(`http://${host}:${port}${path}`, init)
  }

  /** The body of an answer, read as JSON. */
  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    return (await (await this.fetch(path, init)).json()) as T
  }

  /** Send Reset; what the API says after `waitS` seconds at most. */
  async command(id: string, rest: Readonly<Record<string, unknown>> = {}, waitS = 0): Promise<Record<string, string>> {
    return this.json(`/v1/charge-points/${id}/commands`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(waitS > 0 ? { prefer: `wait=${waitS}` } : {}) },
      body: JSON.stringify({ type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Soft' } }, ...rest })
    })
  }

  async events(type: string): Promise<GatewayEvent[]> {
    return (await this.json<{ events: GatewayEvent[] }>(`/v1/events?type=${type}`)).events
  }

  /** The value of one line of the metrics. */
  async metric(name: string): Promise<number> {
    const text = await (await this.fetch('/metrics')).text()
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `))
    return Number(line?.split(' ')[1])
  }

  /** What is in `log.output`; complete after the stop. */
  logText(): string {
    return readFileSync(join(this.dir, 'log'), 'utf8')
  }

  stop(): Promise<void> {
    this.#stopping ??= this.running.stop()
    return this.#stopping
  }

  async dispose(): Promise<void> {
    for (const socket of this.#sockets) (socket.terminate ?? socket.destroy)?.call(socket)
    await this.stop()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
