/** Decodes mutated frames: `node scripts/fuzz-frames.ts [--count 1000000] [--seed 1]`. The same seed, the same frames. */
import { parseArgs } from 'node:util'
import { fuzzFrames } from '../test/protocol/frame-mutations.ts'

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } })
const count = Number(values.count ?? 1_000_000)
const seed = Number(values.seed ?? Date.now() >>> 0)
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) {
  console.error('--count and --seed are whole numbers')
  process.exit(2)
}
console.log(`${count} frames, seed ${seed}`)
for (const [name, times] of [...fuzzFrames(count, seed)].sort()) console.log(`${String(times).padStart(10)}  ${name}`)
