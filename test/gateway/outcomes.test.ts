import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import * as outcomes from '../../src/gateway/outcomes.ts'

test('every outcome is said once, in words of its own, and stays as it is in all the records that share it', () => {
  const all = Object.values(outcomes)
  strictEqual(new Set(all.map(({ detail }) => detail)).size, all.length)
  deepStrictEqual(
    all.filter((outcome) => !Object.isFrozen(outcome)),
    []
  )
})
