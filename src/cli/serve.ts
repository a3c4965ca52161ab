import type { RunningGateway, startGateway as StartGateway } from '../app/compose.ts'
import type { Config } from '../config/schema.ts'
import type { Command, Io } from './io.ts'
import { configUsage } from './usage.ts'
import { packageVersion } from './version.ts'

/** Beyond `shutdown.deadline`, how long a stop may go on before the process ends all the same. */
const graceMs = 3000

/** Start, say where it listens, wait for the signal, stop. Returns the exit code. */
export async function serveUntilStopped(
  config: Config,
  notices: readonly string[],
  io: Io,
  startGateway: typeof StartGateway
): Promise<number> {
  const version = packageVersion()
  const gateway = await startGateway(config, { version, terminal: io.terminal, notices })
  io.out(`${startText(gateway, config, version, io.terminal)}\n`)
  await aborted(io.signal)
  return await stopWithin(gateway, config.shutdown.deadlineMs + graceMs, io)
}

/** Where it listens and where its data is: plain words for a person, one line of JSON otherwise. */
export function startText(gateway: RunningGateway, config: Config, version: string, terminal: boolean): string {
  const { chargePoints, api, dataDir } = gateway
  const chargePointUrl = `ws://${hostPort(chargePoints)}${config.server.path}`
  const apiUrl = `http://${hostPort(api)}`
  const plain = config.log.format === 'text' || (config.log.format === 'auto' && terminal)
  if (!plain) {
    return JSON.stringify({
      level: 'info',
      time: new Date().toISOString(),
      msg: 'listening',
      node: config.node.id,
      version,
      chargePoints: chargePointUrl,
      api: apiUrl,
      dataDir
    })
  }
  return [
    `charge-point-gateway ${version} is running as ${config.node.id}.`,
    `  Charge points connect to  ${chargePointUrl}/{charge point id}`,
    `  The API listens on        ${apiUrl}   (documentation: ${apiUrl}/docs)`,
    `  Its data is in            ${dataDir}`,
    'Ctrl-C stops it.'
  ].join('\n')
}

function hostPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

async function stopWithin(gateway: RunningGateway, limitMs: number, io: Io): Promise<number> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(resolve, limitMs, 'late')
  try {
    if ((await Promise.race([gateway.stop(), late])) !== 'late') return 0
  } finally {
    clearTimeout(timer)
  }
  io.err('The stop did not end within shutdown.deadline; ending now. What was answered is on disk.\n')
  return 1
}

export const serve: Command = {
  summary: 'Run the gateway.',
  usage: `
Usage: charge-point-gateway serve [FLAGS]

Runs until SIGINT or SIGTERM; a second signal ends it at once.
${configUsage}`,
  async run(argv, io) {
    const { readConfig } = await import('./read-config.ts')
    const { configError } = await import('../config/load.ts')
    const loaded = readConfig(argv, io)
    if (!loaded.ok) throw configError(loaded.faults)
    const { startGateway } = await import('../app/compose.ts')
    return await serveUntilStopped(loaded.config, loaded.notices, io, startGateway)
  }
}
