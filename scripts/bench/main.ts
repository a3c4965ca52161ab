/** Measures the gateway: see `help`. */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { measureIdle, measureMessages, measureStart } from './alone-suites.ts'
import { clusterSuites } from './cluster-suites.ts'
import type { SuiteOptions } from './suite.ts'

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

interface Wish {
  readonly suites: readonly string[]
  readonly options: SuiteOptions
}

/** A text instead: what is wrong with the arguments; empty when the help was asked for. */
function readArguments(): Wish | string {
  const text = (value: string) => ({ type: 'string', default: value }) as const
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        rounds: text('5'),
        seconds: text('4'),
        connections: text('500'),
        stations: text('20000'),
        commands: text('300'),
        'back-off': text('50'),
        help: { type: 'boolean', short: 'h', default: false }
      }
    })
    if (values.help) return ''
    const unknown = values.only.find((name) => !names.includes(name))
    if (unknown !== undefined) return `no such suite: ${unknown}`
    const number = (name: Exclude<keyof typeof values, 'only' | 'help'>) => {
      const value = Number(values[name])
      if (!Number.isInteger(value) || value < 1) throw new TypeError(`--${name} takes a whole number from 1`)
      return value
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
    return { suites: values.only.length === 0 ? names : values.only, options }
  } catch (error) {
    return (error as Error).message
  }
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
  const wish = readArguments()
  if (typeof wish === 'string') {
    if (wish !== '') console.error(`${wish}\n`)
    console.log(help)
    return wish === '' ? 0 : 2
  }
  const { suites, options } = wish
  const [cpu] = cpus()
  console.log(`${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpu?.model}, Node ${process.version}\n`)
  await measureAlone((name) => suites.includes(name), options)
  let failed = 0
  for (const { name, run } of clusterSuites.filter((suite) => suites.includes(suite.name))) {
    const beganMs = performance.now()
    try {
      console.log(`${await run(options)}\n`)
      options.progress(`${name} took ${Math.round((performance.now() - beganMs) / 1_000)} s`)
    } catch (error) {
      // The figures of the other suites are none the worse for it.
      console.error(`${name} failed:`, error)
      failed++
    }
  }
  return failed === 0 ? 0 : 1
}

// So that what runs is ended on the way out.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.exitCode = await main()
