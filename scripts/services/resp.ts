import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

export type Reply = string | number | null | readonly Reply[]

/** A few commands to a Redis server, for starting and checking it. No client library is trusted to test itself. */
export class RespConnection {
  readonly #socket: Socket
  readonly #waiting: PromiseWithResolvers<Reply>[] = []
  #unread: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  static async open(port: number, tls?: ConnectionOptions): Promise<RespConnection> {
    const address = { host: '127.0.0.1', port }
    const socket = tls ? connectTls({ ...tls, ...address }) : connect(address)
    await new Promise((resolve, reject) => {
      socket.once(tls ? 'secureConnect' : 'connect', resolve)
      socket.once('error', reject)
    })
    const connection = new RespConnection(socket)
    socket.on('data', (part: Buffer) => connection.#read(part))
    socket.on('error', (error) => connection.#fail(error))
    socket.on('close', () => connection.#fail(new Error('Redis closed the connection')))
    return connection
  }

  command(...words: readonly string[]): Promise<Reply> {
    const waiting = Promise.withResolvers<Reply>()
    this.#waiting.push(waiting)
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
    this.#socket.write(`*${words.length}\r\n${parts.join('')}`)
    return waiting.promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #fail(error: Error): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
  }

  #read(part: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, part])
    for (;;) {
      const parsed = parse(this.#unread, 0)
      if (!parsed) return
      this.#unread = this.#unread.subarray(parsed.end)
      const waiting = this.#waiting.shift()
      if (parsed.value instanceof Error) waiting?.reject(parsed.value)
      else waiting?.resolve(parsed.value)
    }
  }
}

interface Parsed {
  readonly value: Reply | Error
  readonly end: number
}

function parse(bytes: Buffer, from: number): Parsed | undefined {
  const lineEnd = bytes.indexOf('\r\n', from)
  if (lineEnd < 0) return undefined
  const line = bytes.toString('utf8', from + 1, lineEnd)
  const end = lineEnd + 2
  switch (String.fromCharCode(bytes[from] ?? 0)) {
    case '+':
      return { value: line, end }
    case '-':
      return { value: new Error(line), end }
    case ':':
      return { value: Number(line), end }
    case '$':
      return parseText(bytes, end, Number(line))
    case '*':
      return parseList(bytes, end, Number(line))
    default:
      return { value: new Error(`not understood: ${line}`), end: bytes.length }
  }
}

function parseText(bytes: Buffer, from: number, length: number): Parsed | undefined {
  if (length < 0) return { value: null, end: from }
  if (bytes.length < from + length + 2) return undefined
  return { value: bytes.toString('utf8', from, from + length), end: from + length + 2 }
}

function parseList(bytes: Buffer, from: number, length: number): Parsed | undefined {
  const values: Reply[] = []
  let end = from
  for (let index = 0; index < length; index++) {
    const item = parse(bytes, end)
    if (!item) return undefined
    values.push(item.value instanceof Error ? item.value.message : item.value)
    end = item.end
  }
  return { value: values, end }
}
