import type { OcppVersion } from '../protocol/version.ts'
import type { Question } from './decision.ts'
import type { EventDraft, EventFacts } from './model.ts'
import type { AckRule, Origin, TransactionStep } from './table.ts'
import { v16Events } from './v16.ts'
import { v21Events } from './v21.ts'
import { v201Events } from './v201.ts'

/** A row of a table without its payload types: what it is given was validated by the schema of its action. */
export interface CompiledRule {
  readonly version: OcppVersion
  readonly action: string
  /** Of a SEND `durable`: it is never answered, but its events are events. */
  readonly ack: AckRule
  readonly ask?: (payload: unknown, from: Origin) => Question | undefined
  readonly transaction?: (payload: unknown, from: Origin) => TransactionStep | undefined
  readonly events: (payload: unknown, from: Origin) => readonly EventDraft[]
  /** Absent for a SEND. [Part 4 2.1 4.2.4] */
  readonly answer?: (payload: unknown, from: Origin) => unknown
}

/** When events carry the CALL's payload: `events.include_raw`. */
export type IncludeRaw = 'when_needed' | 'always' | 'never'

function compile(version: OcppVersion, table: object): ReadonlyMap<string, CompiledRule> {
  return new Map(
    Object.entries(table).map(([action, row]) => [action, { version, action, ack: 'durable', ...row } as CompiledRule])
  )
}

const rules: Readonly<Record<OcppVersion, ReadonlyMap<string, CompiledRule>>> = {
  '1.6': compile('1.6', v16Events),
  '2.0.1': compile('2.0.1', v201Events),
  '2.1': compile('2.1', v21Events)
}

/** The rows of a version by action. A Map, because the action is a string that a stranger sent. */
export function rulesOf(version: OcppVersion): ReadonlyMap<string, CompiledRule> {
  return rules[version]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * The events of one CALL, in order, to be committed together: what the row makes of the payload, and what the gateway
 * has to add. Every flag stands on every event; `duplicateOf` and `raw` on the first, so that a long report is not
 * copied into each of its events.
 */
export function toEvents(
  rule: CompiledRule,
  payload: unknown,
  from: Origin,
  includeRaw: IncludeRaw = 'when_needed',
  /** What the charge point said, when `payload` is a corrected copy of it. */
  said: unknown = payload
): readonly EventDraft[] {
  if (from.transaction?.orphaned === true) from.flag('orphaned')
  if (from.decision?.decidedBy === 'fallback') from.flag('decision.fallback')
  const drafts = rule.events(payload, from)
  const flags = [...from.flags]
  const first = drafts[0]
  if (flags.length > 0) for (const { data } of drafts) (data as Mutable<EventFacts>).flags = flags
  if (first === undefined) return drafts
  const data = first.data as Mutable<EventFacts>
  if (from.transaction?.duplicateOf !== undefined) data.duplicateOf = from.transaction.duplicateOf
  if (needsRaw(includeRaw, flags, payload, rule.version)) data.raw = said
  return drafts
}

/** Unknown members are flagged by the validator; customData is known to 2.x and may stand anywhere. */
function needsRaw(include: IncludeRaw, flags: readonly string[], payload: unknown, version: OcppVersion): boolean {
  if (include !== 'when_needed') return include === 'always'
  return flags.length > 0 || (version !== '1.6' && hasCustomData(payload))
}

function hasCustomData(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasCustomData)
  for (const name in value) {
    if (name === 'customData' || hasCustomData(value[name as keyof typeof value])) return true
  }
  return false
}
