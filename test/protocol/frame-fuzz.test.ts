import { ok } from 'node:assert'
import { test } from 'node:test'
import { faultNames } from '../../src/protocol/message.ts'
import { fuzzFrames } from './frame-mutations.ts'

test('120,000 mutated frames are decoded without a throw, each to a message or a named fault', () => {
  const seed = Date.now() >>> 0
  // A failure names the seed: `node scripts/fuzz-frames.ts --seed N` repeats it.
  const seen = fuzzFrames(120_000, seed)
  for (const kind of ['call', 'send', 'call_result', 'call_error', 'call_result_error']) {
    ok(seen.has(kind), `seed ${seed} made no ${kind}`)
  }
  for (const fault of faultNames) {
    // A binary frame never reaches the decoder.
    if (fault !== 'binary_frame') ok(seen.has(`fault ${fault}`), `seed ${seed} made no ${fault}`)
  }
})
