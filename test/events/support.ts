import { deepStrictEqual, ok } from 'node:assert'
import { readFileSync } from 'node:fs'
import type { Decision } from '../../src/events/decision.ts'
import { makeEvent } from '../../src/events/envelope.ts'
import type { EventDraft } from '../../src/events/model.ts'
import { createOrigin } from '../../src/events/origin.ts'
import type { TransactionFacts } from '../../src/events/table.ts'
import { type IncludeRaw, rulesOf, toEvents } from '../../src/events/to-events.ts'
import type { OcppVersion } from '../../src/protocol/version.ts'
import { assertValidEvent } from '../support/valid-event.ts'

export const receivedAt = '2026-11-23T10:00:00.123Z'

export interface Given {
  readonly decision?: Decision
  readonly transaction?: TransactionFacts
  readonly flags?: readonly string[]
  readonly includeRaw?: IncludeRaw
  /** What was said, when the payload is a corrected copy. */
  readonly said?: unknown
}

/** What a CALL leads to: its events, as JSON and valid, its answer, its question and its step. */
export function handle(version: OcppVersion, action: string, payload: unknown, given: Given = {}) {
  const rule = rulesOf(version).get(action)
  ok(rule, `${version} has no row for ${action}`)
  const origin = createOrigin({
    chargePointId: 'CP-001',
    version,
    action,
    receivedAtMs: Date.parse(receivedAt),
    bootIntervalS: 300,
    ...(given.flags === undefined ? {} : { flags: given.flags })
  })
  const step = rule.transaction?.(payload, origin)
  const question = rule.ask?.(payload, origin)
  if (given.transaction) origin.transaction = given.transaction
  if (given.decision) origin.decision = given.decision
  const drafts = toEvents(rule, payload, origin, given.includeRaw, given.said)
  for (const draft of drafts) {
    const facts = { id: 'e-1', chargePointId: 'CP-001', time: receivedAt, node: 'gw-0', ocppversion: version }
    assertValidEvent(makeEvent(draft, facts))
  }
  const events: readonly EventDraft[] = JSON.parse(JSON.stringify(drafts))
  // An absent fact is an absent member, in memory too: not one that is undefined.
  deepStrictEqual(drafts, events)
  return { rule, origin, step, question, drafts, events, answer: rule.answer?.(payload, origin) }
}

export const accepted: Decision = { decidedBy: 'local', authorization: { status: 'accepted' } }

interface EventSchema {
  readonly properties: Readonly<Record<string, { readonly examples?: readonly string[] }>>
}

/** The known values of a member of an event's data, as its schema tells them. */
export function knownValues(type: string, member: string): readonly string[] {
  const text = readFileSync(new URL(`../../schemas/events/${type}.json`, import.meta.url), 'utf8')
  const schema: EventSchema = JSON.parse(text)
  const known = schema.properties[member]?.examples
  ok(known, `${type}.${member} has no known values`)
  return known
}
