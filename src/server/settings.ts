import type { OcppVersion } from '../protocol/version.ts'

/** What the server can be told; the keys `server.*` and `limits.*` of the configuration, in base units. */
export interface ServerSettings {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Addresses and ranges of proxies whose `X-Forwarded-For` is believed; none: nobody's. */
  readonly trustedProxies: readonly string[]
  /** Charge points connect to `{path}/{charge point id}`. */
  readonly path: string
  readonly connectionsMax: number
  /** From the first byte to the 101, the gateway's own decision included. */
  readonly handshakeTimeoutMs: number
  /** Handshakes that the gatekeeper is asked about at once; more wait their turn, in order. */
  readonly handshakesMax: number
  /** Of one message, after decompression. */
  readonly payloadBytesMax: number
  /** 0: no pings. */
  readonly pingIntervalMs: number
  readonly idleTimeoutMs: number
  /** The version of stations that offer no sub-protocol. Without it they are refused. */
  readonly defaultVersion?: OcppVersion
  /** permessage-deflate for OCPP 2.x stations that offer it. */
  readonly compression: boolean
  /** Bytes that may wait for a charge point that does not read. */
  readonly sendBufferBytesMax: number
  /** Bytes of messages that had been read when reading was paused, beside the one that was being read. */
  readonly inboxBytesMax: number
  /** A close frame that is not answered within this ends with the socket being cut. */
  readonly closeTimeoutMs: number
  /** Connections that the system may hold for us before we take them (capped by net.core.somaxconn). */
  readonly backlog: number
}
