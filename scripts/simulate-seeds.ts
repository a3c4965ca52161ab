/**
 * Runs the simulation of a cluster: `node scripts/simulate-seeds.ts --count N [--from S]`, or one seed again with its
 * trace: `--seed S [--trace LINES] [--only TEXT]`.
 */
import { parseArgs } from 'node:util'
import { runSeed } from '../test/simulation/run-seed.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'string', default: '40' },
    /** Lines of the trace that contain this. */
    only: { type: 'string' }
  }
})
const first = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.count) : 1
const failed: number[] = []
const beganMs = performance.now()
let steps = 0
for (let seed = first; seed < first + count; seed++) {
  const report = await runSeed(seed, values.seed === undefined ? Number(values.trace) : Number.POSITIVE_INFINITY)
  steps += report.steps
  if (report.broken.length === 0 && values.seed === undefined) continue
  if (report.broken.length > 0) failed.push(seed)
  console.log(`\nseed ${seed} (${report.faults.join(', ') || 'no faults'}), ${report.steps} steps, ${report.digest}`)
  const only = values.only
  const trace = only === undefined ? report.trace : report.trace.filter((line) => line.includes(only))
  for (const line of trace.slice(Math.max(0, trace.length - Number(values.trace)))) console.log(`  ${line}`)
  for (const line of report.broken) console.log(`  BROKEN ${line}`)
}
const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1)
console.log(`\n${count} seeds, ${failed.length} failed, ${steps} steps, ${seconds} s`)
if (failed.length > 0) {
  console.log(`failed: ${failed.join(' ')}`)
  console.log(`again:  node scripts/simulate-seeds.ts --seed ${failed[0]}`)
  process.exitCode = 1
}
