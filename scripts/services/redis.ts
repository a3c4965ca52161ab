import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Certificates, makeCertificates } from './certificates.ts'
import { freePorts } from './free-ports.ts'
import { type Host, openHost } from './host.ts'
import { ProcessGroup } from './process-group.ts'
import { type NodeSpec, Service } from './service.ts'

const wanted = { command: 'redis-server', debianPackage: 'redis-server' }
const image = 'redis:7.4'
const readyLine = 'Ready to accept connections'
const startDeadlineMs = 20_000

/** A Redis user; with any of them the user `default` is off. */
export interface RedisUser {
  readonly name: string
  readonly password: string
  /** Rules as `ACL SETUSER` takes them; without any the user may do everything. */
  readonly rules?: readonly string[]
}

export interface RedisOptions {
  /** Data survives a restart (append-only file). */
  readonly persistence?: boolean
  /** One more port, with TLS. */
  readonly tls?: boolean
  readonly users?: readonly RedisUser[]
  /** Anything from redis.conf: `{ 'maxmemory-policy': 'allkeys-lru' }`. */
  readonly settings?: Readonly<Record<string, string>>
  readonly keepFolder?: boolean
}

/** One Redis server. */
export class Redis extends Service {
  readonly port: number
  /** With the first user's name and password, when there are users. */
  readonly url: string
  /** With `tls`: its port, address and certificates. */
  readonly tls: { readonly port: number; readonly url: string; readonly certificates: Certificates } | undefined

  constructor(group: ProcessGroup, host: Host, node: NodeSpec, reached: Pick<Redis, 'port' | 'url' | 'tls'>) {
    super(group, host, [node])
    this.port = reached.port
    this.url = reached.url
    this.tls = reached.tls
  }
}

/** Starts one Redis server, from the PATH, from Debian's package or in Docker. */
export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const group = await ProcessGroup.open({ keepFolder: options.keepFolder ?? false })
  try {
    const [port = 0, tlsPort = 0] = await freePorts(2)
    const host = await openHost({ group, wanted, image, ports: [port, tlsPort] })
    const certificates = options.tls ? await makeCertificates(group.folder) : undefined
    const settings = {
      ...(options.persistence ? { appendonly: 'yes' } : {}),
      ...(certificates ? tlsSettings(tlsPort, certificates) : {}),
      ...options.settings
    }
    const node = redisNode({ group, host, name: 'redis', port, settings, users: options.users ?? [] })
    const [user] = options.users ?? []
    const login = user ? `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@` : ''
    const redis = new Redis(group, host, node, {
      port,
      url: `redis://${login}127.0.0.1:${port}`,
      tls: certificates && { port: tlsPort, url: `rediss://${login}127.0.0.1:${tlsPort}`, certificates }
    })
    await redis.start()
    return redis
  } catch (error) {
    await group.close()
    throw error
  }
}

function tlsSettings(port: number, certificates: Certificates): Record<string, string> {
  return {
    'tls-port': String(port),
    'tls-cert-file': certificates.serverCertificate,
    'tls-key-file': certificates.serverKey,
    'tls-ca-cert-file': certificates.ca,
    'tls-auth-clients': 'optional'
  }
}

export interface RedisNodeOptions {
  readonly group: ProcessGroup
  readonly host: Host
  readonly name: string
  readonly port: number
  readonly settings: Readonly<Record<string, string>>
  readonly users?: readonly RedisUser[]
}

/** The command line of one node; in a cluster and alone. */
export function redisNode({ group, host, name, port, settings, users = [] }: RedisNodeOptions): NodeSpec {
  const dataFolder = join(group.folder, name)
  const all = {
    port: String(port),
    bind: host.bindAddress,
    // In a container it listens on all addresses, which it takes for unsafe without a password.
    'protected-mode': 'no',
    save: '',
    dir: dataFolder,
    ...settings
  }
  const rules = users.map(({ name: user, password, rules: own = ['~*', '&*', '+@all'] }) => [
    '--user',
    user,
    'on',
    // As a hash a password may have any characters, and `ps` does not show it.
    `#${createHash('sha256').update(password).digest('hex')}`,
    ...own
  ])
  const defaultOff = users.length > 0 ? ['--user', 'default', 'off'] : []
  const args = Object.entries(all).flatMap(([key, value]) => [`--${key}`, value])
  return {
    name,
    args: [...args, ...rules.flat(), ...defaultOff],
    dataFolder,
    readyLine,
    deadlineMs: startDeadlineMs
  }
}

export { image as redisImage, startDeadlineMs as redisStartDeadlineMs, wanted as redisWanted }
