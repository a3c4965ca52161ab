import { formatSize } from '../../lib/size.ts'
import { nodeProblem, oldestNode } from '../node-version.ts'
import { type Examined, type Finding, fail, ok, warn } from './finding.ts'

const KiB = 1024
const MiB = 1024 ** 2
/** Files that are open whatever the load: the log, the store, libraries, pipes. */
const ownFiles = 64

export function nodeVersion({ machine }: Examined): Finding {
  const problem = nodeProblem(machine.nodeVersion)
  return problem === undefined
    ? ok('node', `Node ${machine.nodeVersion}`)
    : fail('node', `Node ${machine.nodeVersion}`, `install Node ${oldestNode} or newer`)
}

/** Every connection is an open file. (E7: a ceiling of 1,000 connections that nobody had set.) */
export function openFiles({ config, isSet, machine }: Examined): Finding {
  const line = machine.read('/proc/self/limits')?.match(/^Max open files\s+(\d+|unlimited)/m)?.[1]
  if (line === undefined) return ok('open_files', 'the limit is not known on this system')
  const limit = line === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line)
  const others = config.limits.apiConnectionsMax + ownFiles
  const needed = config.server.connectionsMax + others
  const found = `at most ${line} open files; server.connections_max ${config.server.connectionsMax} with the API needs ${needed}`
  if (limit >= needed) return ok('open_files', found)
  const holds = Math.max(0, limit - others)
  const advice = `raise the limit (ulimit -n ${needed}; systemd: LimitNOFILE=${needed}; docker: --ulimit nofile=${needed}), or set server.connections_max to ${holds}`
  return isSet('server.connections_max') || holds < 1
    ? fail('open_files', found, advice)
    : warn('open_files', found, advice)
}

export function backlog({ config, machine }: Examined): Finding {
  const somaxconn = Number(machine.read('/proc/sys/net/core/somaxconn') ?? Number.NaN)
  if (Number.isNaN(somaxconn)) return ok('backlog', 'net.core.somaxconn is not known on this system')
  const found = `net.core.somaxconn ${somaxconn}, server.backlog ${config.server.backlog}`
  if (somaxconn >= config.server.backlog) return ok('backlog', found)
  return warn(
    'backlog',
    found,
    `sysctl -w net.core.somaxconn=${config.server.backlog}; otherwise connections are lost when all charge points come back at once`
  )
}

/** Outgoing connections draw from this range: whoever connects from one address has no more of them, and they may sit on our port. */
export function ephemeralPorts({ config, machine }: Examined): Finding {
  const [first = Number.NaN, last = Number.NaN] =
    machine.read('/proc/sys/net/ipv4/ip_local_port_range')?.trim().split(/\s+/).map(Number) ?? []
  if (Number.isNaN(first) || Number.isNaN(last)) return ok('ephemeral_ports', 'the range is not known on this system')
  const count = last - first + 1
  const found = `ports ${first} to ${last}, ${count} for connections from one address`
  for (const [key, port] of [
    ['server.port', config.server.port],
    ['api.port', config.api.port]
  ] as const) {
    if (port >= first && port <= last)
      return warn(
        'ephemeral_ports',
        `${found}; ${key} ${port} is one of them`,
        `set ${key} below ${first}, or reserve it: sysctl -w net.ipv4.ip_local_reserved_ports=${port}`
      )
  }
  if (count >= config.server.connectionsMax) return ok('ephemeral_ports', found)
  return warn(
    'ephemeral_ports',
    found,
    'a proxy in front of the gateway on one address cannot open more: sysctl -w net.ipv4.ip_local_port_range="1024 65535", or more than one address'
  )
}

export async function ports({ config, machine }: Examined): Promise<Finding[]> {
  const wanted = [
    { key: 'server.port', host: config.server.host, port: config.server.port },
    { key: 'api.port', host: config.api.host, port: config.api.port }
  ]
  const findings: Finding[] = []
  for (const { key, host, port } of wanted) {
    const check = key.replace('.', '_')
    const place = `${key} ${host}:${port}`
    const code = await machine.tryPort(host, port)
    if (code === undefined) findings.push(ok(check, port === 0 ? `${place} takes a free port` : `${place} is free`))
    else if (code === 'EADDRINUSE') findings.push(taken(check, key, place, port, machine.listenerOf(port)))
    else if (code === 'EACCES') findings.push(fail(check, `${place} needs privileges`, `set ${key} to 1024 or more`))
    else if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      findings.push(
        fail(
          check,
          `${place}: this machine has no such address`,
          `set ${key.replace('port', 'host')} to an address of this machine, or 0.0.0.0`
        )
      )
    else findings.push(fail(check, `${place} cannot be used (${code})`, `set another ${key}`))
  }
  return findings
}

function taken(
  check: string,
  key: string,
  place: string,
  port: number,
  by: { readonly pid: number; readonly command: string } | undefined
): Finding {
  if (by && /charge-point-gateway|\bcpg\b|cli\/main\.[tj]s/.test(by.command))
    return ok(check, `${place} is held by a running gateway (process ${by.pid})`)
  const who = by ? `process ${by.pid} (${by.command})` : `another program (sudo ss -ltnp sport = :${port} tells which)`
  return fail(check, `${place} is taken by ${who}`, `stop it, or set another ${key}`)
}

/** Rough figures, on the safe side: what one connection and one event in memory take. */
export function memory({ config, machine }: Examined): Finding {
  const files = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']
  const limits = files.map((file) => Number(machine.read(file)?.trim() ?? Number.NaN)).filter((limit) => limit > 0)
  const available = Math.min(machine.memoryBytes, ...limits)
  const needed = 200 * MiB + config.server.connectionsMax * 32 * KiB + config.eventChannels.bufferSize * 2 * KiB
  const found = `${formatSize(available)}; about ${formatSize(needed)} are needed with server.connections_max and event_channels.buffer_size full`
  if (available >= needed) return ok('memory', found)
  return warn(
    'memory',
    found,
    'give the process more memory, or lower server.connections_max or event_channels.buffer_size'
  )
}

/** The gateway's times are the charge points' times. No build of it is older than this. */
const earliestMs = Date.UTC(2026, 0, 1)

export function clock(
  { machine }: Examined,
  since: { readonly wallMs: number; readonly monotonicMs: number }
): Finding {
  const now = machine.wallMs()
  const found = `it is ${new Date(now).toISOString()}`
  const advice = 'set the clock and keep it with NTP (timedatectl set-ntp true): charge points take their time from it'
  if (now < earliestMs) return fail('clock', `${found}, which is before this program was made`, advice)
  const jumped = Math.abs(now - since.wallMs - (machine.monotonicMs() - since.monotonicMs))
  if (jumped > 50) return warn('clock', `${found}; it jumped by ${Math.round(jumped)} ms during this check`, advice)
  return ok('clock', found)
}
