import { GatewayError } from '../lib/gateway-error.ts'
import { nearest } from '../lib/nearest.ts'
import type { Command, Io } from './io.ts'
import { packageVersion } from './version.ts'

/** Each command is loaded when it is used, so that none pays for another's imports. */
const ownCommands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['serve', async () => (await import('./serve.ts')).serve],
  ['config', async () => (await import('./config-command.ts')).configCommand],
  ['doctor', async () => (await import('./doctor/doctor.ts')).doctor]
])

async function clientCommands(): Promise<ReadonlyMap<string, Command>> {
  return (await import('./client/commands.ts')).clientCommands
}

async function allCommands(): Promise<ReadonlyMap<string, Command>> {
  const own = await Promise.all([...ownCommands].map(async ([name, load]) => [name, await load()] as const))
  return new Map([...own, ...(await clientCommands())])
}

async function find(name: string): Promise<Command | undefined> {
  const load = ownCommands.get(name)
  return load ? await load() : (await clientCommands()).get(name)
}

async function help(): Promise<string> {
  const commands = await allCommands()
  const width = Math.max(...[...commands.keys()].map((name) => name.length))
  return [
    'charge-point-gateway: EV charge points (OCPP 1.6J, 2.0.1, 2.1) in, durable events out, commands down.',
    '',
    'Usage: charge-point-gateway COMMAND [ARGUMENTS]   (or cpg for short)',
    '',
    ...[...commands].map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    `  ${'help'.padEnd(width)}  Say more about a command: help serve.`,
    '',
    'Begin with `charge-point-gateway serve`; `charge-point-gateway doctor` checks the machine first.',
    ''
  ].join('\n')
}

/** Run one command line (without the binary's name). Returns the exit code: 0 fine, 1 failed, 2 wrong usage or configuration. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = argv
  if (first === undefined) {
    io.err(await help())
    return 2
  }
  if (first === '--version' || first === '-v' || first === 'version') {
    io.out(`${packageVersion()}\n`)
    return 0
  }
  const asked = first === 'help' || first === '--help' || first === '-h'
  const name = asked ? rest[0] : first
  if (name === undefined) {
    io.out(await help())
    return 0
  }
  const command = await find(name)
  if (!command) return unknownCommand(name, io)
  if (asked || rest.includes('--help') || rest.includes('-h')) {
    io.out(`${command.summary}\n\n${command.usage.trim()}\n`)
    return 0
  }
  try {
    return await command.run(rest, io)
  } catch (error) {
    return explain(error, io)
  }
}

async function unknownCommand(name: string, io: Io): Promise<number> {
  if (name.startsWith('-')) {
    io.err(`${name}: the command comes first, as in: charge-point-gateway serve ${name} ...\n`)
    return 2
  }
  const meant = nearest(name, [...(await allCommands()).keys(), 'help'])
  const hint = meant === undefined ? 'charge-point-gateway help lists the commands' : `did you mean ${meant}?`
  io.err(`There is no command ${name}; ${hint}\n`)
  return 2
}

/** Our own errors say what to do, in one message; anything else is a mistake of ours and shows where. */
function explain(error: unknown, io: Io): number {
  if (error instanceof GatewayError) {
    io.err(`${error.message}\n`)
    return error.code === 'bad_configuration' ? 2 : 1
  }
  const where = error instanceof Error ? (error.stack ?? error.message) : String(error)
  io.err(`This is a mistake in charge-point-gateway; please report it with these lines:\n${where}\n`)
  return 1
}
