/** Measures the gateway: see `help`. */
import { parseArgs } from 'node:util'
import { measureIdle, measureMessages, measureStart } from '../../src/bench/suites.ts'
import { measureBacklog } from './backlog.ts'
import { measureCommands } from './commands.ts'
import { measureDelivery } from './delivery.ts'
import { measureFailover } from './failover.ts'
import { measureStorm } from './storm.ts'
import type { Suite, SuiteOptions } from './suite.ts'
import { measureTopic } from './topic.ts'

const clusterSuites: readonly Suite[] = [
  {
    name: 'topic',
    about: 'events a second from socket to topic beside the producer alone; CPU per event with 6 and 64 partitions',
    run: measureTopic
  },
  {
    name: 'storm',
    about: 'boot storm of --stations: seconds until all are accepted, and until all events are in the topic',
    run: measureStorm
  },
  {
    name: 'delivery',
    about: 'what `delivery.ack: broker` adds to an answer, with one broker and with three (min.insync.replicas 2)',
    run: measureDelivery
  },
  {
    name: 'commands',
    about: 'round trip of a command on the node of the charge point, on another node, and through Kafka',
    run: measureCommands
  },
  {
    name: 'failover',
    about: 'time until a command succeeds again after kill -9 of its node; until the registry is whole after FLUSHALL',
    run: measureFailover
  },
  {
    name: 'backlog',
    about: 'how fast the backlog drains when a broker that hung is back, beside the producer alone',
    run: measureBacklog
  }
]
const aloneSuites = ['start', 'messages', 'idle']
const names = [...aloneSuites, ...clusterSuites.map(({ name }) => name)]

const help = `Measures the gateway. What it prints of the suites with Kafka and Redis is Markdown for docs/performance.md.

  npm run bench                      everything, about a quarter of an hour
  npm run bench -- --only SUITE      this suite (may be given several times)

The gateway alone beside a bare ws server, both in processes of their own, with the same client:
  start       time to the first listen
  messages    CPU time per MeterValues, at saturation and at 2,000 a second
  idle        resident memory per idle connection, 1,000 to 5,000

With real Kafka and Redis, which start and end by themselves:
${clusterSuites.map(({ name, about }) => `  ${name.padEnd(11)} ${about}`).join('\n')}

  --rounds N       interleaved rounds or runs, the median counts (5)
  --seconds N      length of a round (4)
  --connections N  charge points that talk (500)
  --stations N     charge points of the boot storm (20000)
  --commands N     commands on each way (300)
  --back-off N     ms that a charge point whose connection broke waits before it comes back (50)

Each suite checks what it measured, most of all that every answered message is in the log or the topic, and fails otherwise.
The machine's noise is in every figure: compare the ratios of one run, and take less than 10 % for nothing.`

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '500' },
    stations: { type: 'string', default: '20000' },
    commands: { type: 'string', default: '300' },
    'back-off': { type: 'string', default: '50' },
    help: { type: 'boolean', short: 'h', default: false }
  }
})

function number(name: 'rounds' | 'seconds' | 'connections' | 'stations' | 'commands' | 'back-off'): number {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`--${name} takes a whole number from 1`)
  return value
}

async function measureAlone(wants: (suite: string) => boolean, options: SuiteOptions): Promise<void> {
  if (wants('start')) {
    const { wallMs, cpuMs } = await measureStart(5)
    console.log(`time to first listen: ${Math.round(wallMs)} ms, ${Math.round(cpuMs)} ms of CPU\n`)
  }
  if (wants('messages')) {
    const figures = await measureMessages({ ...options, secondsPerRound: options.seconds })
    for (const load of new Set(figures.map((figure) => figure.load))) {
      const rows = figures.filter((figure) => figure.load === load)
      const base = rows[0]?.cpuUs ?? Number.NaN
      console.log(`MeterValues at ${load}`)
      console.table(
        rows.map((row) => ({
          server: row.server,
          'CPU us': Number(row.cpuUs.toFixed(1)),
          'x bare': Number((row.cpuUs / base).toFixed(2)),
          'messages/s': Math.round(row.perSecond),
          'p50 ms': Number(row.p50Ms.toFixed(2)),
          'p99 ms': Number(row.p99Ms.toFixed(2))
        }))
      )
    }
  }
  if (wants('idle')) {
    const figures = await measureIdle(1000, 5000, options.progress)
    console.log('resident memory per idle connection, slope from 1,000 to 5,000')
    console.table(figures.map((row) => ({ server: row.server, KiB: Number(row.kibPerConnection.toFixed(1)) })))
  }
}

async function main(): Promise<number> {
  const unknown = values.only.find((name) => !names.includes(name))
  if (values.help || unknown !== undefined) {
    if (unknown !== undefined) console.error(`no such suite: ${unknown}\n`)
    console.log(help)
    return unknown === undefined ? 0 : 2
  }
  const options: SuiteOptions = {
    rounds: number('rounds'),
    seconds: number('seconds'),
    connections: number('connections'),
    stations: number('stations'),
    commands: number('commands'),
    backOffMs: number('back-off'),
    progress: (line) => console.error(`  ${line}`)
  }
  const wants = (suite: string) => values.only.length === 0 || values.only.includes(suite)
  await measureAlone(wants, options)
  for (const { name, run } of clusterSuites) {
    if (wants(name)) console.log(`\n${await run(options)}\n`)
  }
  return 0
}

// So that what runs is ended on the way out.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.exitCode = await main()
