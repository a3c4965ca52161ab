import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Io } from '../../../src/cli/io.ts'
import { run } from '../../../src/cli/run.ts'

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

type Route = (request: Seen, response: ServerResponse) => void

/** An API that answers as a test says; routes are `METHOD /path`, without the query. */
export class FakeApi {
  readonly seen: Seen[] = []
  readonly routes = new Map<string, Route>()
  readonly #server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
      this.seen.push(seen)
      const route = this.routes.get(`${seen.method} ${seen.url.split('?')[0]}`)
      if (route) route(seen, response)
      else problem(404, { code: 'not_found', title: 'There is no such route', remedy: 'See /docs.' })(seen, response)
    })
  })

  async listen(t: { after(callback: () => Promise<void>): void }, port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    t.after(() => this.close())
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Route {
  return (_request, response) => {
    response
      .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
      .end(JSON.stringify(body))
  }
}

export function problem(status: number, body: object): Route {
  return json(status, body, { 'content-type': 'application/problem+json; charset=utf-8' })
}

export function inTurn(...routes: readonly Route[]): Route {
  let next = 0
  return (request, response) => {
    const route = routes[Math.min(next, routes.length - 1)]
    next += 1
    route?.(request, response)
  }
}

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** What a command is run with; the outputs grow while it runs. */
export class FakeIo implements Io {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: boolean
  readonly columns: number
  readonly colours: boolean
  readonly stop = new AbortController()
  readonly signal = this.stop.signal
  outText = ''
  errText = ''

  readonly #stopAfter: string | undefined

  /** With `stopAfter` the user stops the command when that was printed. */
  constructor(options: Partial<Pick<Io, 'env' | 'terminal' | 'columns' | 'colours'>> & { stopAfter?: string } = {}) {
    this.#stopAfter = options.stopAfter
    this.env = options.env ?? {}
    this.terminal = options.terminal ?? false
    this.columns = options.columns ?? 100
    this.colours = options.colours ?? false
  }

  out(text: string): void {
    this.outText += text
    if (this.#stopAfter !== undefined && this.outText.includes(this.#stopAfter)) this.stop.abort()
  }

  err(text: string): void {
    this.errText += text
  }
}

export async function ran(io: FakeIo, ...argv: readonly string[]): Promise<Ran> {
  const code = await run(argv, io)
  return { code, out: io.outText, err: io.errText }
}
