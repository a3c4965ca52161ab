import { deepStrictEqual, notDeepStrictEqual, ok } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { configKeys } from '../../src/config/schema.ts'
import { type Alternative, alternatives } from '../config/every-key.ts'
import { configOf, type Flags, GatewayInProcess } from '../support/gateway-in-process.ts'
import { missingTests } from '../support/named-tests.ts'
import type { Effect, Observed, Reached } from './every-key/effect.ts'
import { effects } from './every-key/effects.ts'

// Known failures B1 and E1: of 61 keys 24 had no effect, and one of them was asynchronous logging. So each key is changed
// here, and the change must be seen from outside a running gateway, or, where nothing can be seen there, in what its part
// is given; then a test of that part is named that proves what it does with it.

const keys = configKeys.filter(({ fileOf }) => fileOf === undefined).map(({ name }) => name)

test('every key has an entry that shows its effect, and no entry is of a key that is gone', () => {
  deepStrictEqual(Object.keys(effects).sort(), [...keys].sort())
})

async function observe(effect: Observed, flags: Flags): Promise<unknown> {
  const gateway = await GatewayInProcess.start(flags, effect.prepare)
  try {
    return await effect.observe(gateway)
  } finally {
    await gateway.dispose()
  }
}

async function proveObserved(name: string, effect: Observed, alternative: Alternative): Promise<void> {
  const { from, to = alternative.written, flags = {}, expect } = effect
  const first = observe(effect, { ...flags, ...(from === undefined ? {} : { [name]: from }) })
  if (effect.isAlone) await first
  const second = observe(effect, { ...flags, ...effect.toFlags, [name]: to })
  const [before, after] = await Promise.all([first, second])
  notDeepStrictEqual(after, before, `${name} has no effect`)
  deepStrictEqual([before, after], expect, name)
}

function proveReached(name: string, effect: Reached, alternative: Alternative): void {
  const after = effect.reaches(configOf({ ...alternative.needs, [name]: alternative.written }))
  deepStrictEqual(after, effect.as ?? alternative.parsed, `${name} does not reach its part`)
  notDeepStrictEqual(effect.reaches(configOf({})), after, name)
  deepStrictEqual(missingTests([effect.provenBy]), [], `the test that proves ${name} is gone`)
}

async function prove(name: string, effect: Effect): Promise<void> {
  const alternative = alternatives[name]
  ok(alternative, `${name} has no alternative in test/config/every-key.ts`)
  if ('observe' in effect) await proveObserved(name, effect, alternative)
  else proveReached(name, effect, alternative)
}

async function proveAll(t: TestContext, isAlone: boolean): Promise<void> {
  const chosen = Object.entries(effects).filter(
    ([, effect]) => ('isAlone' in effect && effect.isAlone === true) === isAlone
  )
  await Promise.all(chosen.map(([name, effect]) => t.test(`${name} has an effect`, () => prove(name, effect))))
}

test('every key that is seen in the whole process has an effect', { concurrency: 1 }, (t) => proveAll(t, true))

test('every other key has an effect', { concurrency: 4 }, (t) => proveAll(t, false))
