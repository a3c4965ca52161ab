import type { SecureContextOptions } from 'node:tls'

/** What one Redis client does, standalone or Cluster; thrown away and made anew when it hangs. */
export interface Backend {
  /** Resolves when it is connected, however long that takes. Rejects only after `destroy`. */
  connect(): Promise<void>
  /** Rejects at once while disconnected. Nothing is sent once `expired` says so: nobody waits for it any more. */
  send(key: string, command: readonly string[], expired: () => boolean): Promise<unknown>
  /** The server that answers for this key, for telling which one fails. */
  homeOf(key: string): string
  /** One hash tag for each master, that lands there; one alone when there is no cluster. */
  masterTags(): readonly string[]
  publish(channel: string, message: string, expired: () => boolean): Promise<number>
  destroy(): void
}

/** One channel that is listened to, on a connection of its own. */
export interface Subscription {
  /** Resolves once the server has confirmed it. */
  begin(): Promise<void>
  destroy(): void
}

export interface TlsOptions extends Pick<SecureContextOptions, 'ca' | 'cert' | 'key' | 'passphrase'> {
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

export interface BackendOptions {
  /** `redis://` or `rediss://`; several with `cluster`: any of its nodes. */
  readonly urls: readonly string[]
  readonly cluster: boolean
  readonly username?: string
  readonly password?: string
  readonly tls?: TlsOptions
  readonly requestTimeoutMs: number
  readonly clientName: string
  /** What the client says on its own: a failed connection attempt. */
  readonly onError: (error: unknown) => void
}

/** Commands in one client that are not answered yet; more are refused. */
const commandsQueueMax = 100_000

/** Options that both kinds of client share. */
export function clientOptions(options: BackendOptions) {
  const { requestTimeoutMs, tls, username, password } = options
  const secure = tls !== undefined || options.urls.some((url) => url.startsWith('rediss://'))
  const common = {
    connectTimeout: Math.max(requestTimeoutMs, 1_000),
    // Ends a connection on which even the greeting is not answered; the pings keep an idle one alive.
    socketTimeout: 5 * requestTimeoutMs,
    keepAliveInitialDelay: 5_000,
    reconnectStrategy: (retries: number) => Math.min(20 * 2 ** Math.min(retries, 6), 1_000) * (0.75 + Math.random() / 2)
  }
  return {
    name: options.clientName,
    ...(username !== undefined && username !== '' && { username }),
    ...(password !== undefined && { password }),
    // A command waits for no reconnection: who asked has to know now that the registry is away.
    disableOfflineQueue: true,
    commandsQueueMaxLength: commandsQueueMax,
    pingInterval: 2 * requestTimeoutMs,
    maintNotifications: 'disabled' as const,
    // The client's own timeout ends when the command is written; the deadline of `RedisConnection` covers all of it.
    commandOptions: { timeout: 0 },
    socket: secure ? { ...common, tls: true as const, ...tls } : common
  }
}
