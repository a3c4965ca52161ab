import { deepStrictEqual, notStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { runSeed } from './run-seed.ts'

const seedsPerTest = 50
const tests = 5

for (let n = 0; n < tests; n++) {
  const first = 1 + n * seedsPerTest
  test(`every promise holds in ${seedsPerTest} histories from seed ${first}`, async () => {
    for (let seed = first; seed < first + seedsPerTest; seed++) {
      const { broken, trace } = await runSeed(seed)
      deepStrictEqual(
        broken,
        [],
        `seed ${seed}: npm run simulate:seeds -- --seed ${seed}\n${trace.slice(-30).join('\n')}`
      )
    }
  })
}

test('a seed is one history, step by step', async () => {
  const first = await runSeed(7)
  const again = await runSeed(7)
  strictEqual(again.digest, first.digest)
  strictEqual(again.steps, first.steps)
  notStrictEqual((await runSeed(8)).digest, first.digest)
})
