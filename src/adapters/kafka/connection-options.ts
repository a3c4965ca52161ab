import './connection-errors.ts'
import { isIP } from 'node:net'
import type { BaseOptions } from '@platformatic/kafka'

export interface KafkaSasl {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username: string
  readonly password: string
}

/** PEM texts. An empty object is TLS with the certificate authorities of the system. */
export interface KafkaTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly rejectUnauthorized?: boolean
}

/** How the brokers are reached; the same for the sink, the source and the doctor. */
export interface KafkaConnection {
  /** `host:port`, tried in this order until one answers. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly sasl?: KafkaSasl
  readonly tls?: KafkaTls
  /** A request without an answer ends its connection after this; bounds how long a hung broker is noticed. Default 5 s. */
  readonly requestTimeoutMs?: number
}

/** What every client of the library is made with. */
export function clientOptions(connection: KafkaConnection): BaseOptions {
  const timeoutMs = connection.requestTimeoutMs ?? 5000
  return {
    clientId: connection.clientId,
    bootstrapBrokers: [...connection.brokers],
    // How long a broker waits for its replicas. Shorter than the request's own time, or its answer never arrives.
    timeout: Math.max(Math.floor(timeoutMs * 0.8), 1),
    connectTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    autocreateTopics: false,
    ...(connection.sasl && { sasl: { ...connection.sasl } }),
    // The library sends a server name only when told to (clouds route by it), and throws on an address in its place.
    ...(connection.tls && { tls: { ...connection.tls }, tlsServerName: sendsServerName(connection) })
  }
}

/** True when every broker is given by its name. */
export function sendsServerName({ brokers, tls }: KafkaConnection): boolean {
  return tls !== undefined && !brokers.some(isAddress)
}

/** True for `10.0.0.1:9092`, false for `kafka-1:9092`. */
export function isAddress(broker: string): boolean {
  return isIP(hostAndPort(broker).host) !== 0
}

export function hostAndPort(broker: string): { readonly host: string; readonly port: number } {
  const at = broker.lastIndexOf(':')
  return { host: broker.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(broker.slice(at + 1)) }
}

/** Closes a client that is of no more use. Nobody waits, and how it ends is of no interest: a hung broker may never say goodbye. */
export function letGo(client: { close(callback: (error: Error | null) => void): void }): void {
  client.close(() => undefined)
}
