import { fail } from 'node:assert'
import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { Harness } from './harness.ts'

/** Resolves once the condition holds; the turns of the event loop let sockets work. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadline) fail(`it never came to this: ${what}`)
    await new Promise(setImmediate)
  }
}

const dataMark = '\ndata: '

/** A client of an event stream over a real socket. */
export class StreamClient {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Server-sent events that came, counted as they come. */
  eventCount = 0
  ended = false
  readonly #chunks: string[] = []
  #carry = ''
  readonly #response: IncomingMessage

  constructor(response: IncomingMessage, reading: boolean) {
    this.#response = response
    this.status = response.statusCode ?? 0
    this.headers = response.headers
    response.on('close', () => {
      this.ended = true
    })
    // A cut connection is an error of the response; `ended` tells it.
    response.on('error', () => {
      this.ended = true
    })
    if (reading) this.read()
  }

  /** What a client that does not read holds up is in the kernel and in the gateway. */
  read(): void {
    this.#response.setEncoding('utf8').on('data', (chunk: string) => {
      this.#chunks.push(chunk)
      // A mark may be split between chunks.
      const fresh = this.#carry + chunk
      this.eventCount += fresh.split(dataMark).length - 1
      this.#carry = fresh.slice(1 - dataMark.length)
    })
  }

  get text(): string {
    return this.#chunks.join('')
  }

  /** Ids of server-sent events with data, with the last cursor. */
  get messages(): { readonly id: string; readonly data: string }[] {
    return this.text
      .split('\n\n')
      .slice(0, -1)
      .flatMap((block) => {
        const [, id] = /^id: (.*)$/m.exec(block) ?? []
        const [, data] = /^data: (.*)$/m.exec(block) ?? []
        return id !== undefined && data !== undefined ? [{ id, data }] : []
      })
  }

  get eventIds(): string[] {
    return this.messages.map(({ data }) => JSON.parse(data).id)
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1)
  }

  leave(): void {
    this.#response.destroy()
  }
}

/** A harness that listens, with clients that end with the test. */
export async function listening(
  harness: Harness,
  t: { after(callback: () => Promise<void>): void }
): Promise<(path: string, headers?: Record<string, string>, reading?: boolean) => Promise<StreamClient>> {
  const { port } = await harness.api.listen()
  const clients: StreamClient[] = []
  t.after(async () => {
    for (const client of clients) client.leave()
    await harness.api.close()
  })
  return (path, headers = { accept: 'text/event-stream' }, reading = true) =>
    new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
        const client = new StreamClient(response, reading)
        clients.push(client)
        resolve(client)
      }).on('error', reject)
    })
}
