import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Decision } from '../../src/events/decision.ts'
import type { EventDraft } from '../../src/events/model.ts'
import { type CallOrigin, createOrigin } from '../../src/events/origin.ts'
import type { TransactionFacts } from '../../src/events/table.ts'
import { type CompiledRule, type IncludeRaw, rulesOf, toEvents } from '../../src/events/to-events.ts'
import { loadSchemas } from '../../src/protocol/schemas.ts'
import { createValidator } from '../../src/protocol/validate.ts'
import { ocppVersions } from '../../src/protocol/version.ts'
import { payloadArbitrary } from '../support/payload-arbitrary.ts'
import { assertValidData } from '../support/valid-event.ts'

// B6: a gateway that relabelled every sample, dropped units and lost serials, device times and id tags ran green for
// months. Here nothing of a payload is lost, whatever it is.

const receivedAtMs = Date.parse('2026-11-23T10:00:00.123Z')
const runs = { numRuns: 60 }

const decisions: fc.Arbitrary<Decision> = fc.constantFrom<Decision[]>(
  { decidedBy: 'gateway' },
  { decidedBy: 'local', authorization: { status: 'accepted' }, registration: { status: 'accepted', intervalS: 300 } },
  {
    decidedBy: 'http',
    authorization: {
      status: 'not_at_this_time',
      expiresAt: '2026-12-01T00:00:00.000Z',
      parentIdToken: { value: 'GROUP-1', type: 'nobody knows' }
    },
    registration: { status: 'pending', intervalS: 60 }
  },
  { decidedBy: 'fallback', authorization: { status: 'no_credit', parentIdToken: { value: 'x'.repeat(40) } } }
)

function leavesOf(value: unknown, leaves: string[] = []): string[] {
  if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) leavesOf(member, leaves)
  else if (value !== undefined && value !== null) leaves.push(String(value))
  return leaves
}

/** The leaves of `said` that are not, as often, among those of `told`. */
function missing(said: readonly string[], told: readonly string[]): readonly string[] {
  const left = new Map<string, number>()
  for (const leaf of told) left.set(leaf, (left.get(leaf) ?? 0) + 1)
  return said.filter((leaf) => {
    const count = left.get(leaf) ?? 0
    left.set(leaf, count - 1)
    return count <= 0
  })
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) frozen(member)
  return Object.freeze(value)
}

function originOf(rule: CompiledRule, payload: unknown, decision: Decision, flags: readonly string[] = []): CallOrigin {
  const { version, action } = rule
  const origin = createOrigin({ chargePointId: 'CP-1', version, action, receivedAtMs, bootIntervalS: 300, flags })
  const step = rule.transaction?.(payload, origin)
  if (step) origin.transaction = factsOf(step.transactionId ?? '4711')
  if (rule.ask?.(payload, origin)) origin.decision = decision
  return origin
}

function factsOf(transactionId: string): TransactionFacts {
  return { transactionId, orphaned: false }
}

function eventsOf(rule: CompiledRule, payload: unknown, origin: CallOrigin, raw: IncludeRaw): readonly EventDraft[] {
  return JSON.parse(JSON.stringify(toEvents(rule, payload, origin, raw)))
}

for (const version of ocppVersions) {
  const schemas = loadSchemas(version).filter(({ part }) => part === 'request')
  const validator = createValidator(version)
  for (const [action, rule] of rulesOf(version)) {
    const schema = schemas.find((one) => one.action === action)?.schema
    ok(schema, `${version} ${action} has no schema`)
    const hasEvents = action !== 'Heartbeat'

    test(`${version} ${action}: every leaf is in the events, which are valid, and so is the answer`, () => {
      fc.assert(
        fc.property(payloadArbitrary(schema), decisions, (payload, decision) => {
          frozen(payload)
          const origin = originOf(rule, payload, decision)
          const events = eventsOf(rule, payload, origin, 'never')
          strictEqual(events.length > 0, hasEvents)
          for (const { type, data } of events) assertValidData(type, data)
          // What a TransactionEvent is, is the type of its event.
          const types = action === 'TransactionEvent' ? events.map(({ type }) => eventTypeWords[type]) : []
          const told = leavesOf(events.map(({ data }) => data))
          deepStrictEqual(missing(leavesOf(payload), [...told, ...types.map(String)]), [])
          if (rule.answer) {
            const answer = JSON.parse(JSON.stringify(rule.answer(payload, origin)))
            const result = validator.validateResponse(action, answer)
            ok(result.ok, `${JSON.stringify(answer)}: ${result.ok || result.detail}`)
          }
        }),
        runs
      )
    })

    if (!hasEvents) continue
    test(`${version} ${action}: with an unknown member or customData the events carry the payload`, () => {
      fc.assert(
        fc.property(payloadArbitrary(schema, { customData: true }), fc.boolean(), (payload, isUnknown) => {
          const flags = isUnknown ? ['payload.unknownMember'] : []
          const [first] = eventsOf(rule, payload, originOf(rule, payload, { decidedBy: 'local' }, flags), 'when_needed')
          ok(first)
          assertValidData(first.type, first.data)
          const isNeeded =
            isUnknown || JSON.stringify(payload).includes('"customData":') || first.data.flags !== undefined
          deepStrictEqual(first.data.raw, isNeeded ? JSON.parse(JSON.stringify(payload)) : undefined)
          if (isUnknown) ok(first.data.flags?.includes('payload.unknownMember'))
        }),
        runs
      )
    })
  }
}

const eventTypeWords: Readonly<Record<string, string>> = {
  'transaction.started': 'Started',
  'transaction.updated': 'Updated',
  'transaction.ended': 'Ended'
}
