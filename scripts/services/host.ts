import { randomUUID } from 'node:crypto'
import { type ProcessGroup, untilReady } from './process-group.ts'
import { findProgram, type Program, type Wanted } from './programs.ts'
import { runCommand, succeeds } from './run-command.ts'
import type { StartSpec } from './supervisor-messages.ts'

const pullTimeoutMs = 10 * 60_000

/** Where a service's program runs: on this machine, or in containers that look the same from outside. */
export interface Host {
  /** Address that servers listen on; from this machine they are reached at 127.0.0.1 either way. */
  readonly bindAddress: string
  readonly docker: boolean
  launch(args: readonly string[], env?: Readonly<Record<string, string>>): Omit<StartSpec, 'log'>
}

export interface HostOptions {
  readonly group: ProcessGroup
  readonly wanted: Wanted
  /** Container image that has the same program. */
  readonly image: string
  /** All ports of the service, published under their own numbers. */
  readonly ports: readonly number[]
}

/**
 * Docker where an engine runs and has (or can pull) the image; else the program of this machine. `TEST_SERVICES=local`
 * and `TEST_SERVICES=docker` decide it.
 */
export async function openHost({ group, wanted, image, ports }: HostOptions): Promise<Host> {
  if (await dockerHas(image)) return await openDocker(group, wanted.command, image, ports)
  return localHost(await findProgram(wanted))
}

function localHost(program: Program): Host {
  return {
    bindAddress: '127.0.0.1',
    docker: false,
    launch: (args, env = {}) => ({ command: program.path, args, env: { ...program.env, ...env } })
  }
}

async function dockerHas(image: string): Promise<boolean> {
  const choice = process.env.TEST_SERVICES ?? ''
  if (!['', 'local', 'docker'].includes(choice)) throw new Error(`TEST_SERVICES is local or docker, not ${choice}`)
  if (choice === 'local') return false
  const engine = await succeeds('docker', ['info'])
  if (!engine && choice === '') return false
  if (!engine) throw new Error('TEST_SERVICES=docker, but `docker info` fails: start a Docker engine')
  if (await succeeds('docker', ['image', 'inspect', image])) return true
  try {
    await runCommand('docker', ['pull', '--quiet', image], { timeoutMs: pullTimeoutMs })
    return true
  } catch (error) {
    if (choice === 'docker') throw error
    console.error(
      `services: Docker runs but has no ${image}, so this machine's own programs are used (${String(error)})`
    )
    return false
  }
}

/**
 * All containers of a service share the network of the first one, which publishes the ports: inside as outside, a node is
 * 127.0.0.1 and its port. The group's folder has the same path inside, so that every command line is the same.
 */
async function openDocker(
  group: ProcessGroup,
  command: string,
  image: string,
  ports: readonly number[]
): Promise<Host> {
  const prefix = `cpg-services-${randomUUID()}`
  const network = `${prefix}-network`
  const published = ports.flatMap((port) => ['--publish', `127.0.0.1:${port}:${port}`])
  const holder = ['run', '--rm', '--init', '--name', network, ...published, '--entrypoint', 'sleep', image, 'infinity']
  const log = `${group.folder}/network.log`
  const holderProcess = await group.start({ command: 'docker', args: holder, env: {}, log, container: network })
  await untilReady({ name: 'the network of the containers', process: holderProcess, deadlineMs: 30_000 }, async () =>
    (await succeeds('docker', ['inspect', network])) ? true : undefined
  )
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
  let count = 0
  return {
    bindAddress: '0.0.0.0',
    docker: true,
    launch: (args, env = {}) => {
      const container = `${prefix}-${count++}`
      const options = ['--rm', '--name', container, '--network', `container:${network}`, '--user', user]
      const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])
      const mount = ['--volume', `${group.folder}:${group.folder}`, '--workdir', group.folder]
      const run = ['run', ...options, ...variables, ...mount, '--entrypoint', command, image, ...args]
      return { command: 'docker', args: run, env: {}, container }
    }
  }
}
