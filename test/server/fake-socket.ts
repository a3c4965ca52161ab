import { Connection, type ConnectionShared } from '../../src/server/connection.ts'
import { KeepAlive } from '../../src/server/keep-alive.ts'
import type { Socket, SocketListener } from '../../src/server/socket.ts'
import type { CloseReason } from '../../src/session/close-reasons.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { CountedMetrics, FakeConversation, KeptLog } from './fakes.ts'

/** A socket that records what is asked of it and throws where a real one may not be touched any more. */
export class FakeSocket implements Socket {
  declare listener: SocketListener
  isOpen = true
  bufferedBytes = 0
  paused = false
  readonly sent: string[] = []
  readonly pongs: { readonly data: string; readonly written: () => void }[] = []
  pings = 0
  closedWith: { readonly code: number; readonly text: string } | undefined = undefined
  terminated = false

  send(text: string): void {
    this.#mustBeOpen()
    this.sent.push(text)
  }

  ping(): void {
    this.#mustBeOpen()
    this.pings++
  }

  answerPing(data: Buffer, written: () => void): void {
    this.#mustBeOpen()
    this.pongs.push({ data: String(data), written })
  }

  close(code: number, text: string): void {
    this.#mustBeOpen()
    this.isOpen = false
    this.closedWith = { code, text }
  }

  terminate(): void {
    this.isOpen = false
    this.terminated = true
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  /** The system has taken everything. */
  drain(): void {
    this.bufferedBytes = 0
    for (const { written } of this.pongs.splice(0)) written()
  }

  #mustBeOpen(): void {
    if (!this.isOpen) throw new Error('written after close')
  }
}

const handshake = { chargePointId: 'CP-1', version: '1.6', subprotocol: 'ocpp1.6', remoteAddress: '127.0.0.1' } as const

export function openConnection(limits: Partial<ConnectionShared> = {}) {
  const clock = new FakeClock(0)
  const metrics = new CountedMetrics()
  const log = new KeptLog()
  const ends: CloseReason[] = []
  const shared: ConnectionShared = {
    keepAlive: new KeepAlive(clock, { pingIntervalMs: 50_000, idleTimeoutMs: 125_000 }),
    sendBufferBytesMax: 1000,
    inboxBytesMax: 10_000,
    log,
    framesReceived: metrics.counter('frames_received_total', {}),
    bytesReceived: metrics.counter('bytes_received_total', {}),
    bytesSent: metrics.counter('bytes_sent_total', {}),
    pingsSent: metrics.counter('frames_sent_total', { kind: 'ping' }),
    pongsSent: metrics.counter('frames_sent_total', { kind: 'pong' }),
    framesAfterClose: metrics.counter('frames_after_close_total', {}),
    framesDiscarded: metrics.counter('oddities_total', { what: 'discarded_at_close' }),
    paused: { log: 0, inflight: 0, stop: 0 },
    ended: (_, reason) => ends.push(reason),
    ...limits
  }
  const socket = new FakeSocket()
  const connection = new Connection(shared, socket, handshake.chargePointId, handshake.version)
  const conversation = new FakeConversation(handshake, connection, () => {})
  connection.open(() => conversation)
  return { clock, metrics, log, ends, shared, socket, connection, conversation }
}
