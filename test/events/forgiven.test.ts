import { ok } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { createOrigin } from '../../src/events/origin.ts'
import { rulesOf, toEvents } from '../../src/events/to-events.ts'
import { loadSchemas } from '../../src/protocol/schemas.ts'
import { createValidator } from '../../src/protocol/validate.ts'
import { ocppVersions } from '../../src/protocol/version.ts'
import { damaged } from '../protocol/random-payload.ts'
import { payloadArbitrary } from '../support/payload-arbitrary.ts'
import { assertValidData } from '../support/valid-event.ts'

// What the validator forgives is mapped like anything else: no row may fail over it (D11), no event may be invalid, and
// no answer may be one that sends a station into a loop (quirk 31).

function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

for (const version of ocppVersions) {
  const validator = createValidator(version)
  const schemas = loadSchemas(version).filter(({ part }) => part === 'request')
  test(`${version}: whatever is wrong and forgiven in a payload, its events and its answer are valid`, () => {
    let forgiven = 0
    for (const [action, rule] of rulesOf(version)) {
      const schema = schemas.find((one) => one.action === action)?.schema ?? {}
      const cases = fc.tuple(payloadArbitrary(schema), fc.integer(), fc.constantFrom('tolerant', 'strict'))
      fc.assert(
        fc.property(cases, ([payload, seed, leniency]) => {
          const random = randomFrom(seed)
          const said = damaged(damaged(payload, random), random)
          const check = rule.answer ? validator.validateRequest : validator.validateSend
          const checked = check(action, said, leniency as 'tolerant' | 'strict')
          if (!checked.ok || checked.flags === undefined) return
          forgiven += 1
          const taken = checked.payload === undefined ? said : checked.payload
          const facts = { chargePointId: 'CP-1', version, action, receivedAtMs: 1795428000123, bootIntervalS: 300 }
          const origin = createOrigin({ ...facts, flags: checked.flags })
          const step = rule.transaction?.(taken, origin)
          if (step) origin.transaction = { transactionId: step.transactionId ?? '12', orphaned: step.kind !== 'start' }
          if (rule.ask?.(taken, origin)) origin.decision = { decidedBy: 'local', authorization: { status: 'accepted' } }
          const events = toEvents(rule, taken, origin, 'when_needed', said)
          ok(events.length > 0 || action === 'Heartbeat')
          for (const { type, data } of events) assertValidData(type, data)
          if (!rule.answer) return
          const answer = JSON.parse(JSON.stringify(rule.answer(taken, origin)))
          const result = validator.validateResponse(action, answer)
          ok(result.ok, `${JSON.stringify(answer)}: ${result.ok || result.detail}`)
        }),
        { numRuns: 150 }
      )
    }
    ok(forgiven > 100, `only ${forgiven} were forgiven`)
  })
}
