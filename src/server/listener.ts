import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GatewayError } from '../lib/gateway-error.ts'
import type { ServerSettings } from './settings.ts'

/** A request line and its headers; the longest known station sends 1 KiB. */
const headerBytesMax = 16 * 1024
const timeoutChecksPerTimeout = 4

/** The HTTP server in front of the sockets. TLS will differ here and nowhere else. */
export function createListener(settings: ServerSettings): Server {
  const { handshakeTimeoutMs, connectionsMax, handshakesMax } = settings
  const server = createServer({
    maxHeaderSize: headerBytesMax,
    headersTimeout: handshakeTimeoutMs,
    requestTimeout: handshakeTimeoutMs,
    connectionsCheckingInterval: Math.max(10, Math.ceil(handshakeTimeoutMs / timeoutChecksPerTimeout)),
    // Some stations leave it out, and nothing here needs it.
    requireHostHeader: false
  })
  // Sockets without a complete request have to be bounded too; a few more than can be served get a proper answer.
  server.maxConnections = connectionsMax + handshakesMax
  return server
}

const remedies: Readonly<Record<string, { readonly code: string; readonly remedy: string }>> = {
  EADDRINUSE: {
    code: 'port_taken',
    remedy: 'another process listens there: stop it, or set server.port to a free port'
  },
  EACCES: {
    code: 'port_not_allowed',
    remedy: 'this user may not listen there: set server.port to 1024 or above, or grant the right to lower ports'
  },
  EADDRNOTAVAIL: {
    code: 'host_not_available',
    remedy: 'this machine has no such address: set server.host to one that it has, or to 0.0.0.0'
  },
  ENOTFOUND: { code: 'host_not_available', remedy: 'the name is not known: set server.host to an address' }
}

export function listen(server: Server, settings: ServerSettings): Promise<{ host: string; port: number }> {
  const { host, port, backlog } = settings
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      const known = remedies[error.code ?? '']
      const remedy = known?.remedy ?? `${error.message}; see server.host and server.port`
      reject(
        new GatewayError(
          known?.code ?? 'listen_failed',
          `cannot listen for charge points on ${host}:${port}: ${remedy}`,
          { cause: error }
        )
      )
    }
    server.once('error', onError)
    server.listen({ host, port, backlog }, () => {
      server.removeListener('error', onError)
      const { address, port } = server.address() as AddressInfo
      resolve({ host: address, port })
    })
  })
}
