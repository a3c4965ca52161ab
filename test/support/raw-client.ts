import type { Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A request as text, with the headers of a good upgrade unless others are given (undefined leaves one out). */
export function upgradeText(path: string, headers: Readonly<Record<string, string | undefined>> = {}): string {
  const all = {
    Host: 'gateway',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'ocpp1.6',
    ...headers
  }
  const lines = Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** A masked frame; the mask is zero, so that the payload stands in it as it is. */
export function frame(
  opcode: number,
  payload: Uint8Array | string = '',
  { fin = true, rsv = 0, masked = true } = {}
): Buffer {
  const data = Buffer.from(payload as string)
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  const mask = masked ? 0x80 : 0
  const length =
    data.length < 126
      ? Buffer.from([first, mask | data.length])
      : data.length < 65_536
        ? Buffer.from([first, mask | 126, data.length >> 8, data.length & 0xff])
        : Buffer.from([first, mask | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (data.length >> shift) & 0xff)])
  return Buffer.concat([length, masked ? Buffer.alloc(4) : Buffer.alloc(0), data])
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export function parseAnswer(text: string): HttpAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  return { status: Number(statusLine.split(' ')[1]), headers: new Map(headers), body: rest.join('\r\n\r\n') }
}

/** Sends and reads until the other side hangs up. */
export async function exchange(socket: Socket, bytes: string | Uint8Array): Promise<HttpAnswer> {
  socket.write(bytes)
  const answer = parseAnswer((await buffer(socket)).toString('latin1'))
  socket.destroy()
  return answer
}

/** Resolves with what has come as soon as `pattern` is in it. */
export function readUntil(socket: Socket, pattern: RegExp): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!pattern.test(text)) return
      socket.removeListener('data', onData)
      resolve(text)
    }
    socket.on('data', onData)
  })
}

/** An upgraded raw socket. */
export async function upgraded(
  socket: Socket,
  path: string,
  headers: Readonly<Record<string, string>> = {}
): Promise<string> {
  socket.write(upgradeText(path, headers))
  return readUntil(socket, /\r\n\r\n/)
}
