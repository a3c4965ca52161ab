import { type Conversation, type HoldName, holdNames, type Wire } from '../gateway/wire.ts'
import type { Logger } from '../ports/logger.ts'
import type { Counter } from '../ports/metrics.ts'
import type { OcppVersion } from '../protocol/version.ts'
import { type CloseReason, closeReasons } from '../session/close-reasons.ts'
import type { ConnectionTotals } from '../session/effect.ts'
import { Inbox } from './inbox.ts'
import type { KeepAlive, KeepAliveEntry } from './keep-alive.ts'
import type { Socket, SocketListener } from './socket.ts'

/** What all connections share, so that none carries its own copy. */
export interface ConnectionShared {
  readonly keepAlive: KeepAlive
  readonly sendBufferBytesMax: number
  readonly inboxBytesMax: number
  readonly log: Logger
  readonly framesReceived: Counter
  readonly bytesReceived: Counter
  readonly bytesSent: Counter
  readonly pingsSent: Counter
  readonly pongsSent: Counter
  readonly framesAfterClose: Counter
  readonly framesDiscarded: Counter
  /** Sockets that are not being read, by why. */
  readonly paused: Record<HoldName, number>
  ended(connection: Connection, reason: CloseReason): void
}

const holdBits: Readonly<Record<HoldName, number>> = { log: 1, inflight: 2, stop: 4 }
/** More pings than this at once are answered by one pong for the last of them. [RFC 6455 5.5.3] */
const pongsOutstandingMax = 16

/**
 * One charge point's socket: the only writer to it, and the only one who reads it. Whatever happens, in whatever
 * order, nothing is written after it has begun to close and `Conversation.closed` is called exactly once.
 */
export class Connection implements Wire, SocketListener, KeepAliveEntry {
  readonly chargePointId: string
  readonly version: OcppVersion
  // The links and ticks are the wheel's.
  previous: KeepAliveEntry['previous'] = undefined
  next: KeepAliveEntry['next'] = undefined
  heardTick = 0
  heldSinceTick = -1
  readonly #shared: ConnectionShared
  readonly #socket: Socket
  #conversation: Conversation | undefined = undefined
  /** Why it ends, once this side has decided that it does. */
  #reason: CloseReason | undefined = undefined
  #ended = false
  #holds = 0
  #delivering = false
  #inbox: Inbox | undefined = undefined
  #pongsOutstanding = 0
  #lastPing: Buffer | undefined = undefined
  #bytesIn = 0
  #bytesOut = 0
  #framesIn = 0
  #framesOut = 0

  constructor(shared: ConnectionShared, socket: Socket, chargePointId: string, version: OcppVersion) {
    this.#shared = shared
    this.#socket = socket
    this.chargePointId = chargePointId
    this.version = version
  }

  /** Begin: frames go to what `open` returns. A throw in there costs this connection alone. */
  open(open: (wire: Wire) => Conversation): void {
    this.#socket.listener = this
    this.#shared.keepAlive.add(this)
    try {
      this.#conversation = open(this)
    } catch (error) {
      this.#fail(error)
    }
  }

  // Wire

  send(text: string): void {
    if (!this.#isWritable()) {
      this.#shared.framesAfterClose.inc()
      return
    }
    const bytes = Buffer.byteLength(text)
    this.#framesOut++
    this.#bytesOut += bytes
    this.#shared.bytesSent.inc(bytes)
    this.#socket.send(text)
  }

  close(reason: CloseReason): void {
    if (!this.#isOpen()) return
    this.#leave(reason)
    const { wsCode, text } = closeReasons[reason]
    if (wsCode === undefined) this.#socket.terminate()
    else {
      this.#socket.close(wsCode, text)
      // The answer to the close frame has to be read.
      this.#socket.resume()
    }
  }

  pause(why: HoldName): void {
    const bit = holdBits[why]
    if (!this.#isOpen() || (this.#holds & bit) !== 0) return
    this.#shared.paused[why]++
    if (this.#holds === 0) {
      this.#socket.pause()
      this.#shared.keepAlive.hold(this)
    }
    this.#holds |= bit
  }

  resume(why: HoldName): void {
    const bit = holdBits[why]
    if ((this.#holds & bit) === 0) return
    this.#holds &= ~bit
    this.#shared.paused[why]--
    if (this.#holds !== 0) return
    this.#shared.keepAlive.release(this)
    if (this.#inbox === undefined) this.#socket.resume()
    else if (!this.#delivering) {
      // Not from within: the caller may be in the middle of what an earlier frame caused.
      this.#delivering = true
      queueMicrotask(() => this.#deliver())
    }
  }

  totals(): ConnectionTotals {
    return {
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      framesIn: this.#framesIn,
      framesOut: this.#framesOut
    }
  }

  // SocketListener

  text(text: string, bytes: number): void {
    if (this.#reason !== undefined) return
    this.heardTick = this.#shared.keepAlive.tick
    this.#framesIn++
    this.#bytesIn += bytes
    this.#shared.framesReceived.inc()
    this.#shared.bytesReceived.inc(bytes)
    if (this.#holds === 0 && this.#inbox === undefined) this.#frame(text)
    else this.#keep(text, bytes)
  }

  binary(bytes: number): void {
    if (this.#reason !== undefined) return
    this.#bytesIn += bytes
    this.close('binary_frame')
  }

  pinged(data: Buffer): void {
    if (this.#reason !== undefined) return
    this.heardTick = this.#shared.keepAlive.tick
    // A copy: the library's view would keep the whole network read alive.
    if (this.#pongsOutstanding >= pongsOutstandingMax) this.#lastPing = Buffer.from(data)
    else this.#pong(data)
  }

  ponged(): void {
    this.heardTick = this.#shared.keepAlive.tick
  }

  failed(reason: CloseReason): void {
    if (this.#reason === undefined) this.#leave(reason)
  }

  ended(peerCode: number | undefined): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#reason === undefined) {
      this.#flushInbox()
      this.#leave(peerCode === undefined ? 'connection_lost' : 'closed_by_charge_point')
    }
    const reason = this.#reason ?? 'connection_lost'
    const conversation = this.#conversation
    this.#conversation = undefined
    this.#shared.ended(this, reason)
    try {
      conversation?.closed(reason, peerCode)
    } catch (error) {
      this.#logFailure(error)
    }
  }

  // KeepAliveEntry

  ping(): void {
    if (!this.#isWritable()) return
    this.#shared.pingsSent.inc()
    this.#socket.ping()
  }

  idle(): void {
    this.close('idle_timeout')
  }

  #isOpen(): boolean {
    return this.#reason === undefined && !this.#ended && this.#socket.isOpen
  }

  /** Open, and the peer takes what it is sent. One that does not is cut here. */
  #isWritable(): boolean {
    if (!this.#isOpen()) return false
    if (this.#socket.bufferedBytes <= this.#shared.sendBufferBytesMax) return true
    this.close('not_reading')
    return false
  }

  #pong(data: Buffer): void {
    if (!this.#isWritable()) return
    this.#pongsOutstanding++
    this.#shared.pongsSent.inc()
    this.#socket.answerPing(data, () => this.#pongWritten())
  }

  #pongWritten(): void {
    this.#pongsOutstanding--
    const data = this.#lastPing
    if (data === undefined) return
    this.#lastPing = undefined
    this.#pong(data)
  }

  /** Nothing is read, written, pinged or delivered from here on. */
  #leave(reason: CloseReason): void {
    this.#reason = reason
    if (this.#inbox !== undefined) this.#shared.framesDiscarded.inc(this.#inbox.length)
    this.#inbox = undefined
    this.#lastPing = undefined
    this.#shared.keepAlive.remove(this)
    for (const name of holdNames) if ((this.#holds & holdBits[name]) !== 0) this.#shared.paused[name]--
    this.#holds = 0
  }

  #frame(text: string): void {
    try {
      this.#conversation?.frame(text)
    } catch (error) {
      this.#fail(error)
    }
  }

  #keep(text: string, bytes: number): void {
    this.#inbox ??= new Inbox()
    this.#inbox.add(text, bytes)
    if (this.#inbox.bytes > this.#shared.inboxBytesMax) this.close('inbox_full')
  }

  #deliver(): void {
    this.#delivering = false
    while (this.#holds === 0) {
      const text = this.#inbox?.take()
      if (text === undefined) break
      this.#frame(text)
    }
    if (!this.#isOpen() || this.#holds !== 0) return
    this.#inbox = undefined
    this.#socket.resume()
  }

  /**
   * The socket has ended with frames unread. They are still worth delivering (an answer to a command, say), unless the
   * log is full: then every reconnect would add to what waits for it. Nobody was answered, so nothing promised is lost.
   */
  #flushInbox(): void {
    const inbox = this.#inbox
    this.#inbox = undefined
    if (inbox === undefined) return
    if ((this.#holds & holdBits.log) !== 0) this.#shared.framesDiscarded.inc(inbox.length)
    else for (let text = inbox.take(); text !== undefined; text = inbox.take()) this.#frame(text)
  }

  #fail(error: unknown): void {
    this.#logFailure(error)
    this.close('internal_error')
  }

  #logFailure(error: unknown): void {
    this.#shared.log.error({ chargePointId: this.chargePointId, error }, closeReasons.internal_error.text)
  }
}
