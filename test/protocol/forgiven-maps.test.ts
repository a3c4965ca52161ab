import { doesNotThrow, ok } from 'node:assert'
import { test } from 'node:test'
import { createOrigin } from '../../src/events/origin.ts'
import { rulesOf, toEvents } from '../../src/events/to-events.ts'
import { loadSchemas } from '../../src/protocol/schemas.ts'
import { createValidator } from '../../src/protocol/validate.ts'
import { ocppVersions } from '../../src/protocol/version.ts'
import { randomFrom } from './frame-mutations.ts'
import { damaged, randomPayload } from './random-payload.ts'

// A row that throws costs the CALL an InternalError, and the station sends it again for ever: what was forgiven here
// must be readable there.
for (const version of ocppVersions) {
  test(`${version}: whatever is forgiven can be mapped, and its answer made`, () => {
    const seed = Date.now() >>> 0
    const random = randomFrom(seed)
    const validator = createValidator(version)
    let forgiven = 0
    for (const { action, part, schema } of loadSchemas(version)) {
      const rule = rulesOf(version).get(action)
      if (part !== 'request' || !rule) continue
      for (let n = 0; n < 100; n += 1) {
        const said = damaged(damaged(randomPayload(schema, random), random), random)
        const checked = validator.validateRequest(action, said, n % 2 === 0 ? 'strict' : 'tolerant')
        if (!checked.ok || checked.flags === undefined) continue
        forgiven += 1
        const payload = checked.payload === undefined ? said : checked.payload
        const facts = {
          chargePointId: 'CP',
          version,
          action,
          receivedAtMs: 0,
          bootIntervalS: 300,
          flags: checked.flags
        }
        const origin = createOrigin(facts)
        origin.decision = {
          decidedBy: 'local',
          authorization: { status: 'accepted' },
          registration: { status: 'accepted', intervalS: 300 }
        }
        doesNotThrow(
          () => {
            rule.ask?.(payload, origin)
            rule.transaction?.(payload, origin)
            origin.transaction = { transactionId: '1', orphaned: false }
            toEvents(rule, payload, origin, 'when_needed', said)
            rule.answer?.(payload, origin)
          },
          `seed ${seed} ${version} ${action} ${JSON.stringify(said).slice(0, 2000)}`
        )
      }
    }
    ok(forgiven > 50, `seed ${seed} had ${forgiven} forgiven payloads`)
  })
}
