import { configError } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import { GatewayError } from '../../lib/gateway-error.ts'
import type { Command, Io } from '../io.ts'
import { readConfig } from '../read-config.ts'
import { configUsage } from '../usage.ts'
import { choices } from './choices.ts'
import { dataDir } from './disk.ts'
import type { Examined, Finding, Outside } from './finding.ts'
import { kafka } from './kafka.ts'
import { thisMachine } from './machine.ts'
import { redis } from './redis.ts'
import { backlog, clock, ephemeralPorts, memory, nodeVersion, openFiles, ports } from './system.ts'

/** Every check, in the order in which they are printed. */
export async function examine(examined: Examined): Promise<Finding[]> {
  const { machine } = examined
  const since = { wallMs: machine.wallMs(), monotonicMs: machine.monotonicMs() }
  return [
    nodeVersion(examined),
    openFiles(examined),
    backlog(examined),
    ephemeralPorts(examined),
    ...(await ports(examined)),
    ...(await dataDir(examined)),
    memory(examined),
    clock(examined, since),
    ...choices(examined),
    ...(await kafka(examined)),
    ...(await redis(examined))
  ]
}

const colourOf = { ok: '32', warn: '33', fail: '31' } as const

/** How `findingsText` looks. */
export interface TextLook {
  readonly colours: boolean
  /** Lines are broken before this width; in a pipe they are not. */
  readonly columns: number
}

/** One line for each finding, and one below it for what to do. */
export function findingsText(findings: readonly Finding[], { colours, columns }: TextLook): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const indent = ' '.repeat('warn'.length + 2 + width + 2)
  const lines: string[] = []
  for (const { check, state, found, advice } of findings) {
    const label = state.padEnd(4)
    const head = `${colours ? `\u001b[${colourOf[state]}m${label}\u001b[0m` : label}  ${check.padEnd(width)}  `
    const broken = [...wrap(found, columns - indent.length)]
    if (advice !== undefined) broken.push(...wrap(`-> ${advice}`, columns - indent.length))
    lines.push(...broken.map((line, index) => (index === 0 ? head : indent) + line))
  }
  const count = (state: Finding['state']): number => findings.filter((finding) => finding.state === state).length
  lines.push('', `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} to repair`)
  return lines.join('\n')
}

/** Broken between words; a word that is too long stays whole. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  const json = argv.includes('--json')
  const flags = argv.filter((argument) => argument !== '--json')
  const loaded = readConfig(flags, io)
  if (!loaded.ok) throw configError(loaded.faults)
  const set = new Set(loaded.values.filter(({ origin }) => origin !== 'default').map(({ key }) => key.name))
  // Loaded only now, because it brings the embedded store's lock along.
  const { inspectDataDir } = await import('../../app/inspect-data-dir.ts')
  const machine = thisMachine((path) => {
    const problem = inspectDataDir(path)
    return problem instanceof GatewayError ? problem : undefined
  })
  const { config } = loaded
  const findings = await examine({ config, isSet: (key) => set.has(key), machine, outside: outsideOf(config) })
  const look = { colours: io.colours, columns: io.terminal ? io.columns : Number.POSITIVE_INFINITY }
  io.out(`${json ? JSON.stringify(findings, null, 2) : findingsText(findings, look)}\n`)
  return findings.some(({ state }) => state === 'fail') ? 1 : 0
}

/** Loaded only when asked, because they bring the clients of Kafka and Redis along. */
function outsideOf(config: Config): Outside {
  return {
    kafka: async () => (await import('../../app/inspect-kafka.ts')).inspectKafka(config),
    redis: async () => (await import('../../app/inspect-redis.ts')).inspectRedis(config)
  }
}

export const doctor: Command = {
  summary: 'Check what this machine, Kafka and Redis give, and say what to set.',
  usage: `
Usage: charge-point-gateway doctor [--json] [FLAGS]

Checks Node, open files, backlog, ports, disk, memory and clock against the configuration, and Kafka and Redis
where it names them.
Exit code: 0 nothing to repair, 1 something to repair, 2 the configuration is not valid.
${configUsage}`,
  run
}
