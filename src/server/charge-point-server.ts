import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket as NetSocket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Refusal } from '../gateway/refusals.ts'
import { type Gatekeeper, holdNames } from '../gateway/wire.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Counter, Metrics } from '../ports/metrics.ts'
import { type OcppVersion, ocppVersions } from '../protocol/version.ts'
import { type CloseReason, closeReasons } from '../session/close-reasons.ts'
import { type ClientAddress, createClientAddress } from './client-address.ts'
import { Connection, type ConnectionShared } from './connection.ts'
import { type AdmittedUpgrade, Handshakes, type PendingUpgrade } from './handshakes.ts'
import { KeepAlive } from './keep-alive.ts'
import { createListener, listen } from './listener.ts'
import { RefusalWriter, refusalResponse } from './refusal-response.ts'
import type { ServerSettings } from './settings.ts'
import { createUpgrader, type Upgrader } from './socket.ts'
import { readUpgrade } from './upgrade-request.ts'

export interface ChargePointServerOptions extends ServerSettings {
  readonly gatekeeper: Gatekeeper
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Logger
}

export interface ChargePointServer {
  /** Rejects with a GatewayError that says what to set: `port_taken`, `port_not_allowed`, `host_not_available`. */
  listen(): Promise<{ host: string; port: number }>
  /** No new connections from here on; handshakes in progress are refused as `shutting_down`. */
  stopAccepting(): Promise<void>
  /** Closes what is still connected as `shutting_down` and resolves when every socket has ended. */
  close(): Promise<void>
  /** Upgraded sockets that have not ended. */
  readonly connections: number
}

export function createChargePointServer(options: ChargePointServerOptions): ChargePointServer {
  return new HttpChargePointServer(options)
}

type RefusedAbout = Parameters<Gatekeeper['refused']>[1]
type ParserError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer }

const urlCharactersMax = 512
/** The first byte of a TLS handshake record. */
const tlsHandshake = 0x16

class HttpChargePointServer implements ChargePointServer {
  readonly #options: ChargePointServerOptions
  readonly #server: Server
  readonly #clientAddress: ClientAddress
  readonly #upgrade: Upgrader
  readonly #handshakes: Handshakes
  readonly #refusals: RefusalWriter
  readonly #connections = new Set<Connection>()
  /** How many of them each charge point has: more than one while a newer one takes an older one's place. */
  readonly #countById = new Map<string, number>()
  readonly #byVersion: Record<OcppVersion, number> = { '1.6': 0, '2.0.1': 0, '2.1': 0 }
  readonly #opened: Readonly<Record<OcppVersion, Counter>>
  readonly #closed: ReadonlyMap<CloseReason, Counter>
  readonly #shared: ConnectionShared
  /** Set as soon as nothing more is accepted. */
  #listenerEnded: Promise<void> | undefined

  constructor(options: ChargePointServerOptions) {
    const { clock, metrics, gatekeeper } = options
    this.#options = options
    this.#upgrade = createUpgrader(options)
    this.#clientAddress = createClientAddress(options.trustedProxies)
    this.#refusals = new RefusalWriter(clock)
    this.#handshakes = new Handshakes({
      clock,
      handshakesMax: options.handshakesMax,
      handshakeTimeoutMs: options.handshakeTimeoutMs,
      admit: (handshake) => gatekeeper.admit(handshake),
      accept: (pending, admitted) => this.#accept(pending, admitted),
      refuse: (pending, refusal) => this.#refusePending(pending, refusal),
      onError: ({ handshake }, error) =>
        options.log.error({ chargePointId: handshake.chargePointId, error }, 'a handshake could not be decided')
    })
    this.#opened = {
      '1.6': metrics.counter('connections_opened_total', { version: '1.6' }),
      '2.0.1': metrics.counter('connections_opened_total', { version: '2.0.1' }),
      '2.1': metrics.counter('connections_opened_total', { version: '2.1' })
    }
    this.#closed = new Map(
      (Object.keys(closeReasons) as CloseReason[]).map((reason) => [
        reason,
        metrics.counter('connections_closed_total', { reason })
      ])
    )
    for (const version of ocppVersions) metrics.gauge('connections', { version }, () => this.#byVersion[version])
    this.#shared = createShared(options, (connection, reason) => this.#ended(connection, reason))
    this.#server = createListener(options)
    this.#server
      .on('upgrade', (request, stream, head) => this.#onUpgrade(request, stream, head))
      .on('connect', (request, stream) => this.#onConnect(request, stream))
      .on('request', (request, response) => this.#onRequest(request, response))
      .on('checkExpectation', (request, response) => this.#onRequest(request, response))
      .on('clientError', (error: ParserError, stream) => this.#onClientError(error, stream))
      .on('drop', (about) =>
        // As with all that end before there is a request: what can be said is who the other end of the socket is.
        this.#tell(
          { code: 'too_many_connections' },
          { remoteAddress: this.#clientAddress(about?.remoteAddress, undefined) }
        )
      )
  }

  get connections(): number {
    return this.#connections.size
  }

  async listen(): Promise<{ host: string; port: number }> {
    const address = await listen(this.#server, this.#options)
    this.#server.on('error', (error) => this.#options.log.error({ error }, 'the listener of the charge points failed'))
    return address
  }

  async stopAccepting(): Promise<void> {
    if (this.#listenerEnded !== undefined) return
    // Called back when its last socket has gone, or at once when it never listened.
    this.#listenerEnded = new Promise((resolve) => {
      this.#server.close(() => resolve())
    })
    this.#handshakes.refuseAll({ code: 'shutting_down' })
  }

  async close(): Promise<void> {
    await this.stopAccepting()
    for (const connection of this.#connections) connection.close('shutting_down')
    this.#refusals.destroyAll()
    this.#server.closeAllConnections()
    await this.#listenerEnded
    // The last sockets tell their connections of their end only after they have told the listener.
    while (this.#connections.size > 0) await new Promise(setImmediate)
  }

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const about = this.#aboutOf(request, stream)
    // Without a listener an error on this socket would end the process.
    stream.on('error', ignoreStreamError)
    const upgrade = readUpgrade(request, this.#options)
    const { chargePointId } = upgrade
    const known = chargePointId === undefined ? about : { ...about, chargePointId }
    if (this.#listenerEnded !== undefined) this.#refuseStream(stream, { code: 'shutting_down' }, known)
    else if (!upgrade.ok) this.#refuseStream(stream, upgrade.refusal, known)
    else if (!this.#hasRoomFor(upgrade.chargePointId))
      this.#refuseStream(stream, { code: 'too_many_connections' }, known)
    else {
      const { chargePointId, version, subprotocol, deflateOffer } = upgrade
      const handshake = { chargePointId, version, subprotocol, remoteAddress: about.remoteAddress }
      this.#handshakes.begin({ request, stream, head, handshake, deflateOffer })
    }
  }

  /** A charge point that is connected may always come again: it takes the place of its old, perhaps half-open, socket. */
  #hasRoomFor(chargePointId: string): boolean {
    return (
      this.#connections.size + this.#handshakes.size < this.#options.connectionsMax ||
      this.#countById.has(chargePointId)
    )
  }

  #accept({ request, stream, head, handshake, deflateOffer }: PendingUpgrade, admitted: AdmittedUpgrade): void {
    const { chargePointId, version, subprotocol } = handshake
    const socket = this.#upgrade({ request, stream, head, subprotocol, deflateOffer })
    if (socket === undefined) {
      admitted.abandon()
      return
    }
    stream.removeListener('error', ignoreStreamError)
    const connection = new Connection(this.#shared, socket, chargePointId, version)
    this.#connections.add(connection)
    this.#countById.set(chargePointId, (this.#countById.get(chargePointId) ?? 0) + 1)
    this.#byVersion[version]++
    this.#opened[version].inc()
    connection.open((wire) => admitted.open(wire))
  }

  #ended(connection: Connection, reason: CloseReason): void {
    this.#connections.delete(connection)
    const others = (this.#countById.get(connection.chargePointId) ?? 1) - 1
    if (others === 0) this.#countById.delete(connection.chargePointId)
    else this.#countById.set(connection.chargePointId, others)
    this.#byVersion[connection.version]--
    this.#closed.get(reason)?.inc()
  }

  #refusePending({ request, stream, handshake }: PendingUpgrade, refusal: Refusal): void {
    const { chargePointId, remoteAddress } = handshake
    this.#refuseStream(stream, refusal, { ...this.#aboutOf(request, stream), chargePointId, remoteAddress })
  }

  #refuseStream(stream: Duplex, refusal: Refusal, about: RefusedAbout): void {
    this.#refusals.write(stream, refusal)
    this.#tell(refusal, about)
  }

  #tell(refusal: Refusal, about: RefusedAbout): void {
    try {
      this.#options.gatekeeper.refused(refusal, about)
    } catch (error) {
      this.#options.log.error({ error, code: refusal.code }, 'a refusal could not be recorded')
    }
  }

  #onConnect(request: IncomingMessage, stream: Duplex): void {
    stream.on('error', ignoreStreamError)
    this.#refuseStream(stream, { code: 'not_a_websocket', detail: 'CONNECT' }, this.#aboutOf(request, stream))
  }

  /** Everything that is HTTP and no upgrade: browsers, probes, stations behind a proxy that drops the headers. */
  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const halfUpgrade = request.headers.upgrade !== undefined || request.headers['sec-websocket-key'] !== undefined
    const refusal: Refusal = halfUpgrade
      ? {
          code: 'not_a_websocket',
          detail: 'the upgrade headers are incomplete; does a proxy in between remove Connection or Upgrade?'
        }
      : { code: 'not_a_websocket' }
    const { status, headers, body } = refusalResponse(refusal)
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body)
    this.#tell(refusal, this.#aboutOf(request, request.socket))
  }

  #aboutOf({ headers, url }: IncomingMessage, stream: Duplex): RefusedAbout {
    const subprotocols = headers['sec-websocket-protocol']
    // Node joins the lines of a header that came several times, in their order.
    const forwardedFor = headers['x-forwarded-for']?.toString()
    return {
      remoteAddress: this.#clientAddress((stream as NetSocket).remoteAddress, forwardedFor),
      url: (url ?? '').slice(0, urlCharactersMax),
      ...(subprotocols === undefined ? {} : { subprotocols: subprotocols.slice(0, urlCharactersMax) })
    }
  }

  #onClientError(error: ParserError, stream: Duplex): void {
    if (this.#refusals.has(stream)) return
    stream.on('error', ignoreStreamError)
    // The header may be what is broken: this is the other end of the socket, a load balancer where there is one.
    const remoteAddress = this.#clientAddress((stream as NetSocket).remoteAddress, undefined)
    const silent = (stream as NetSocket).bytesRead === 0
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
      this.#refuseStream(stream, { code: 'handshake_timeout' }, { remoteAddress })
    // A load balancer's probe connects and resets: nobody was refused.
    else if (error.code === 'ECONNRESET' && silent) stream.destroy()
    else this.#refuseStream(stream, { code: 'bad_upgrade', detail: faultOf(error) }, { remoteAddress })
  }
}

function createShared(options: ChargePointServerOptions, ended: ConnectionShared['ended']): ConnectionShared {
  const { metrics } = options
  const paused = { log: 0, inflight: 0, stop: 0 }
  for (const why of holdNames) metrics.gauge('reading_paused', { why }, () => paused[why])
  return {
    keepAlive: new KeepAlive(options.clock, options),
    sendBufferBytesMax: options.sendBufferBytesMax,
    // One message may be on its way in when reading is paused, however large it may be.
    inboxBytesMax: options.inboxBytesMax + options.payloadBytesMax,
    log: options.log,
    framesReceived: metrics.counter('frames_received_total', {}),
    bytesReceived: metrics.counter('bytes_received_total', {}),
    bytesSent: metrics.counter('bytes_sent_total', {}),
    pingsSent: metrics.counter('frames_sent_total', { kind: 'ping' }),
    pongsSent: metrics.counter('frames_sent_total', { kind: 'pong' }),
    framesAfterClose: metrics.counter('frames_after_close_total', {}),
    framesDiscarded: metrics.counter('oddities_total', { what: 'discarded_at_close' }),
    paused,
    ended
  }
}

/** The stream destroys itself on an error; its 'close' is what is acted upon. */
function ignoreStreamError(): void {}

function faultOf(error: ParserError): string {
  if (error.rawPacket?.[0] === tlsHandshake) return 'TLS (wss://) was spoken to a port that takes ws://'
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'its headers are too large'
  if (error.code === 'ECONNRESET' || error.code === 'HPE_INVALID_EOF_STATE')
    return 'the client hung up before its request was complete'
  return `it is not HTTP/1.1 (${error.code ?? error.message})`
}
