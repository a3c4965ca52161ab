import { formatDuration } from '../lib/duration.ts'
import { parseAddressRange } from '../lib/ip-address.ts'
import { formatSize } from '../lib/size.ts'
import { clusterChecks } from './cluster-checks.ts'
import type { Config } from './schema.ts'

/** A rule between keys, with what to set when it does not hold. */
export interface Check {
  /** The key that the message is about. */
  readonly key: string
  /** The others that it looks at: the first of all these that somebody set is where the fault was written. */
  readonly with: readonly string[]
  /** Undefined when the rule holds. */
  fault(config: Config): string | undefined
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** The rules between keys, run when every key is valid by itself. */
export const checks: readonly Check[] = [
  ...clusterChecks,
  {
    // A healthy charge point that only answers pings must survive one lost ping.
    key: 'server.idle_timeout',
    with: ['server.ping_interval'],
    fault: ({ server }) => {
      const leastMs = Math.ceil(server.pingIntervalMs * 2.5)
      if (server.idleTimeoutMs >= leastMs) return undefined
      return `${formatDuration(server.idleTimeoutMs)} is less than 2.5 x server.ping_interval (${formatDuration(server.pingIntervalMs)}), so healthy charge points would be cut; set server.idle_timeout to ${formatDuration(leastMs)} or more, or server.ping_interval to ${formatDuration(Math.floor(server.idleTimeoutMs / 2.5))} or less`
    }
  },
  {
    key: 'server.trusted_proxies',
    with: [],
    fault: ({ server }) => {
      const wrong = server.trustedProxies.find((entry) => parseAddressRange(entry) === undefined)
      return wrong === undefined
        ? undefined
        : `${wrong} is not an IP address or a range such as 10.0.0.0/8 or fd00::/8; host names are not looked up`
    }
  },
  {
    key: 'api.host',
    with: ['api.tokens'],
    fault: ({ api }) =>
      isLoopback(api.host) || api.tokens.length > 0
        ? undefined
        : `${api.host} can be reached from other machines, and no token is set; set api.tokens (or api.tokens_file), or api.host to 127.0.0.1`
  },
  {
    key: 'api.port',
    with: ['server.port', 'api.host', 'server.host'],
    fault: ({ api, server }) => {
      const sameHost = api.host === server.host || isAny(api.host) || isAny(server.host)
      if (api.port === 0 || api.port !== server.port || !sameHost) return undefined
      return `${api.port} is server.port too; set another api.port`
    }
  },
  {
    key: 'limits.command_memory',
    with: ['limits.command_age_max'],
    fault: ({ limits }) =>
      limits.commandMemoryMs > limits.commandAgeMaxMs
        ? undefined
        : `${formatDuration(limits.commandMemoryMs)} is not longer than limits.command_age_max (${formatDuration(limits.commandAgeMaxMs)}), so a command could run twice; set limits.command_memory higher`
  },
  {
    key: 'session.boot_interval',
    with: [],
    fault: ({ session }) =>
      session.bootIntervalMs % 1000 === 0
        ? undefined
        : `${formatDuration(session.bootIntervalMs)} is not a whole number of seconds, which is all that OCPP can say`
  },
  {
    key: 'authority.allow_list_file',
    with: ['authority.mode'],
    fault: ({ authority }) => {
      if (authority.mode === 'allow_list' && authority.allowListFile === undefined)
        return 'authority.mode is allow_list, which needs this key; set it to the file with charge point ids and id tokens'
      if (authority.mode === 'accept_all' && authority.allowListFile !== undefined)
        return 'would have no effect while authority.mode is accept_all; set authority.mode to allow_list, or remove this key'
      return undefined
    }
  },
  {
    key: 'event_log.bytes_max',
    with: ['server.payload_bytes_max'],
    fault: ({ eventLog, server }) => {
      const least = server.payloadBytesMax
      if (eventLog.bytesMax >= least) return undefined
      return `${formatSize(eventLog.bytesMax)} could not take a message of server.payload_bytes_max (${formatSize(server.payloadBytesMax)}); set event_log.bytes_max to ${formatSize(least)} or more`
    }
  },
  {
    key: 'limits.send_buffer_bytes_max',
    with: ['limits.api_request_bytes_max'],
    fault: ({ limits }) =>
      limits.sendBufferBytesMax >= limits.apiRequestBytesMax
        ? undefined
        : `${formatSize(limits.sendBufferBytesMax)} could not take a command of limits.api_request_bytes_max (${formatSize(limits.apiRequestBytesMax)}); set limits.send_buffer_bytes_max to that or more`
  }
]
