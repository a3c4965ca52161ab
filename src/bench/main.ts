import { parseArgs } from 'node:util'
import { measureIdle, measureMessages, measureStart } from './suites.ts'

const help = `Measures the gateway beside a bare ws server, both in processes of their own, with the same client.

  npm run bench                      everything, a few minutes
  npm run bench -- --only messages   CPU time per MeterValues, at saturation and at 2,000 a second
  npm run bench -- --only idle       resident memory per idle connection, 1,000 to 5,000
  npm run bench -- --only start      time to the first listen

  --rounds N       interleaved rounds, the median counts (5)
  --seconds N      length of a round (4)
  --connections N  charge points in the message rounds (500)

The machine's noise is in every figure: compare the ratios of one run, and take less than 10 % for nothing.`

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '500' },
    help: { type: 'boolean', short: 'h', default: false }
  }
})
if (values.help) {
  console.log(help)
  process.exit(0)
}
const wants = (suite: string) => values.only === undefined || values.only === suite
const progress = (line: string) => console.error(`  ${line}`)

if (wants('start')) {
  const { wallMs, cpuMs } = await measureStart(5)
  console.log(`time to first listen: ${Math.round(wallMs)} ms, ${Math.round(cpuMs)} ms of CPU\n`)
}
if (wants('messages')) {
  const figures = await measureMessages({
    rounds: Number(values.rounds),
    secondsPerRound: Number(values.seconds),
    connections: Number(values.connections),
    progress
  })
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
  const figures = await measureIdle(1000, 5000, progress)
  console.log('resident memory per idle connection, slope from 1,000 to 5,000')
  console.table(figures.map((row) => ({ server: row.server, KiB: Number(row.kibPerConnection.toFixed(1)) })))
}
