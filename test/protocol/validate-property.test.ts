import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { isChargePointCall, isChargePointSend, isTransactionMessage } from '../../src/protocol/actions.ts'
import { errorCodes } from '../../src/protocol/errors.ts'
import { loadSchemas } from '../../src/protocol/schemas.ts'
import { createValidator, type PayloadValidator } from '../../src/protocol/validate.ts'
import type { Validation } from '../../src/protocol/validation.ts'
import { ocppVersions } from '../../src/protocol/version.ts'
import { randomFrom } from './frame-mutations.ts'
import { damaged, randomPayload } from './random-payload.ts'

type Check = (payload: unknown, leniency: 'strict' | 'tolerant') => Validation

/** How a payload of this kind reaches the gateway. */
function checkOf(validator: PayloadValidator, action: string, part: 'request' | 'response'): Check {
  if (part === 'response') return (payload, leniency) => validator.validateResponse(action, payload, leniency)
  if (isChargePointCall(validator.version, action))
    return (payload, leniency) => validator.validateRequest(action, payload, leniency)
  if (isChargePointSend(validator.version, action))
    return (payload, leniency) => validator.validateSend(action, payload, leniency)
  return (payload) => validator.validateCommand(action, payload)
}

for (const version of ocppVersions) {
  const validator = createValidator(version)
  const schemas = loadSchemas(version)

  test(`${version}: a valid payload of every schema passes, without a flag and without a copy`, () => {
    const random = randomFrom(7)
    for (const { action, part, schema } of schemas) {
      const check = checkOf(validator, action, part)
      for (let n = 0; n < 5; n += 1) {
        const payload = randomPayload(schema, random)
        deepStrictEqual(check(payload, 'strict'), { ok: true }, `${action} ${part} ${JSON.stringify(payload)}`)
      }
    }
  })

  test(`${version}: a damaged payload never throws, is never changed, and what is forgiven says so`, () => {
    const seed = Date.now() >>> 0
    const random = randomFrom(seed)
    for (const { action, part, schema } of schemas) {
      const check = checkOf(validator, action, part)
      for (let n = 0; n < 40; n += 1) {
        const payload = damaged(damaged(randomPayload(schema, random), random), random)
        const before = JSON.stringify(payload)
        const told = `seed ${seed} ${action} ${part} ${before.slice(0, 2000)}`
        const strict = check(payload, 'strict')
        const tolerant = check(payload, 'tolerant')
        strictEqual(JSON.stringify(payload), before, told)
        for (const checked of [strict, tolerant]) checkResult(checked, payload, told)
        ok(!strict.ok || tolerant.ok, `tolerant takes what strict takes: ${told}`)
        if (strict.ok && strict.flags) ok(isTransactionMessage(version, action), told)
      }
    }
  })
}

function checkResult(checked: Validation, payload: unknown, told: string): void {
  if (checked.ok) {
    ok(checked.payload === undefined || checked.flags !== undefined, told)
    ok(checked.payload === undefined || JSON.stringify(checked.payload) !== JSON.stringify(payload), told)
    ok(checked.flags === undefined || checked.flags.length > 0, told)
    return
  }
  ok(errorCodes.includes(checked.code), told)
  ok(checked.detail.length > 0 && checked.detail.length < 255, `${told} ${checked.detail}`)
  ok(checked.faults.length > 0, told)
}
