/** The only file that names the socket library. Another one takes its place by offering `Socket` and `createUpgrader`. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import { type CloseReason, closeReasons } from '../session/close-reasons.ts'
import { Deflate } from './deflate.ts'
import { deflateWindowBits } from './deflate-offer.ts'

/** What a socket tells its owner. */
export interface SocketListener {
  text(text: string, bytes: number): void
  binary(bytes: number): void
  pinged(data: Buffer): void
  ponged(): void
  /** The peer broke the protocol; the close frame has been sent, `ended` follows. */
  failed(reason: CloseReason): void
  /** Exactly once, last. `peerCode` is the code of the peer's close frame, undefined when none came. */
  ended(peerCode: number | undefined): void
}

/** One upgraded socket. Nothing here throws while `isOpen`; after that nothing but `terminate` may be called. */
export interface Socket {
  listener: SocketListener
  /** False as soon as either side has begun to close. */
  readonly isOpen: boolean
  /** Bytes written and not yet taken by the system. */
  readonly bufferedBytes: number
  send(text: string): void
  ping(): void
  answerPing(data: Buffer, written: () => void): void
  /** Starts the closing handshake; the socket is cut when it does not complete within `closeTimeoutMs`. */
  close(code: number, text: string): void
  /** Cut the socket. `ended` follows later, never from within. */
  terminate(): void
  pause(): void
  resume(): void
}

export interface Upgrade {
  readonly request: IncomingMessage
  readonly stream: Duplex
  readonly head: Buffer
  readonly subprotocol: string
  readonly deflateOffer: string | undefined
}

/** Sends the 101. Undefined: the peer has gone. The listener is to be set before control returns to the event loop. */
export type Upgrader = (upgrade: Upgrade) => Socket | undefined

const fragmentsMax = 1024
/** Network reads that one frame may be spread over: 1 MiB in pieces of 64 bytes. */
const chunksMax = 16_384
const deflateThresholdBytes = 1024

const unset: SocketListener = {
  text() {},
  binary() {},
  pinged() {},
  ponged() {},
  failed() {},
  ended() {}
}

class LibrarySocket extends WebSocket implements Socket {
  listener: SocketListener = unset

  get isOpen(): boolean {
    return this.readyState === WebSocket.OPEN
  }

  get bufferedBytes(): number {
    return this.bufferedAmount
  }

  answerPing(data: Buffer, written: () => void): void {
    this.pong(data, undefined, written)
  }
}

function listenerOf(socket: WebSocket): SocketListener {
  return (socket as LibrarySocket).listener
}

// Shared by all sockets: a closure per socket and event would cost more than the session's own state.
function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  const bytes = data as Buffer
  if (isBinary) listenerOf(this).binary(bytes.length)
  else listenerOf(this).text(bytes.toString(), bytes.length)
}

function onPing(this: WebSocket, data: Buffer): void {
  listenerOf(this).pinged(data)
}

function onPong(this: WebSocket): void {
  listenerOf(this).ponged()
}

function onError(this: WebSocket, error: Error & { readonly code?: string }): void {
  listenerOf(this).failed(reasonOf(error.code))
}

function onClose(this: WebSocket, code: number): void {
  // 1006 is the library's word for "no close frame came", which no peer can send. [RFC 6455 7.4.1]
  listenerOf(this).ended(code === 1006 ? undefined : code)
}

const nothing = Buffer.alloc(0)

/** What the library calls to compress a message and to inflate a fragment. */
interface LibraryDeflate {
  compress(data: Buffer | string, fin: boolean, done: (error: Error | null, result: Buffer) => void): void
  decompress(data: Buffer, fin: boolean, done: (error: Error | null, result: Buffer) => void): void
}

/** Puts ours in the place of the compressor and the inflater that the library would keep for each socket. */
function shareDeflate(socket: LibrarySocket, deflate: Deflate): void {
  const { _extensions } = socket as unknown as { _extensions: Record<string, LibraryDeflate | undefined> }
  const extension = _extensions['permessage-deflate']
  if (extension === undefined) return
  let parts: Buffer[] = []
  extension.compress = (data, _fin, done) =>
    deflate.compress(data, (error, result) => {
      if (error) socket.terminate()
      done(error, result)
    })
  extension.decompress = (data, fin, done) => {
    parts.push(data)
    if (!fin) {
      // Never from within: the library's parser is not re-entrant.
      queueMicrotask(() => done(null, nothing))
      return
    }
    const message = parts
    parts = []
    deflate.inflate(message, (error: (Error & { code?: string }) | null, result) => {
      // Ours is the close frame: the library would send one without a code.
      if (error) failInflating(socket, error.code === 'ERR_BUFFER_TOO_LARGE' ? 'payload_too_big' : 'protocol_error')
      done(error, result)
    })
  }
}

function failInflating(socket: LibrarySocket, reason: 'payload_too_big' | 'protocol_error'): void {
  socket.listener.failed(reason)
  socket.close(closeReasons[reason].wsCode)
}

function reasonOf(code: string | undefined): CloseReason {
  switch (code) {
    case 'WS_ERR_INVALID_UTF8':
      return 'invalid_utf8'
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
      return 'payload_too_big'
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return 'too_many_fragments'
    default:
      return 'protocol_error'
  }
}

export function createUpgrader(settings: {
  readonly payloadBytesMax: number
  readonly closeTimeoutMs: number
}): Upgrader {
  const shared = {
    noServer: true,
    clientTracking: false,
    // Pongs are ours: the library cuts a peer that pings 60 times in one read, and keeps a closure per socket.
    autoPong: false,
    skipUTF8Validation: false,
    maxPayload: settings.payloadBytesMax,
    maxFragments: fragmentsMax,
    maxBufferedChunks: chunksMax,
    closeTimeout: settings.closeTimeoutMs,
    WebSocket: LibrarySocket
  }
  const plain = new WebSocketServer({ ...shared, perMessageDeflate: false })
  const deflating = new WebSocketServer({
    ...shared,
    perMessageDeflate: {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: deflateWindowBits,
      threshold: deflateThresholdBytes
    }
  })
  const deflate = new Deflate(settings.payloadBytesMax)
  return ({ request, stream, head, subprotocol, deflateOffer }) => {
    // The library chooses again from the headers, so it is shown only what has been chosen.
    const { headers } = request
    if (subprotocol === '') delete headers['sec-websocket-protocol']
    else headers['sec-websocket-protocol'] = subprotocol
    if (deflateOffer !== undefined) headers['sec-websocket-extensions'] = deflateOffer
    let socket: LibrarySocket | undefined
    const server = deflateOffer === undefined ? plain : deflating
    server.handleUpgrade(request, stream, head, (upgraded) => {
      socket = upgraded as LibrarySocket
    })
    if (socket !== undefined && deflateOffer !== undefined) shareDeflate(socket, deflate)
    socket?.on('message', onMessage).on('ping', onPing).on('pong', onPong).on('error', onError).on('close', onClose)
    return socket
  }
}
