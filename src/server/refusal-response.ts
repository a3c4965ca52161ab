import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Refusal, refusals } from '../gateway/refusals.ts'
import type { Clock } from '../ports/clock.ts'

/** A charge point that was refused for now should not come back within this. [OCPP-J 1.6 errata 3.3] */
const retryAfterS = 10
/** How long a refused peer may take to read the answer and hang up. */
const lingerMs = 2000

export interface RefusalResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The answer to a refused connection: problem+json (RFC 9457) in one line, and always the end of the connection. */
export function refusalResponse(refusal: Refusal): RefusalResponse {
  const { status, text } = refusals[refusal.code]
  const detail = refusal.detail === undefined ? {} : { detail: refusal.detail }
  const body = `${JSON.stringify({ type: 'about:blank', title: text, status, code: refusal.code, ...detail })}\n`
  return {
    status,
    body,
    headers: {
      Connection: 'close',
      'Content-Type': 'application/problem+json',
      'Content-Length': String(Buffer.byteLength(body)),
      ...(status === 426 ? { Upgrade: 'websocket' } : {}),
      ...(refusal.code === 'bad_upgrade' ? { 'Sec-WebSocket-Version': '13' } : {}),
      ...(status === 503 ? { 'Retry-After': String(retryAfterS) } : {})
    }
  }
}

/** Writes refusals to sockets that the HTTP server has let go of, and sees to it that they end. */
export class RefusalWriter {
  readonly #clock: Clock
  readonly #lingering = new Set<Duplex>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A peer that goes on sending after its refusal must not be refused again. */
  has(stream: Duplex): boolean {
    return this.#lingering.has(stream)
  }

  /** The stream needs an error listener of its own, as every stream does. */
  write(stream: Duplex, refusal: Refusal): void {
    if (!stream.writable) {
      stream.destroy()
      return
    }
    const { status, headers, body } = refusalResponse(refusal)
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    this.#lingering.add(stream)
    // Cutting at once would reset the connection under an answer that the peer has not read yet.
    const cancel = this.#clock.after(lingerMs, () => stream.destroy())
    stream.once('close', () => {
      cancel()
      this.#lingering.delete(stream)
    })
    stream.once('end', () => stream.destroy())
    stream.resume()
    stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
  }

  destroyAll(): void {
    for (const stream of this.#lingering) stream.destroy()
  }
}
