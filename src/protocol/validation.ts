import type { ErrorCode } from './errors.ts'

/** One thing wrong with a payload. */
export interface PayloadFault {
  /** JSON pointer of the value, '' for the payload itself. */
  readonly path: string
  /** The schema's keyword: `required`, `type`, `enum`, ... */
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message: string
}

/** `payload` is present when a corrected copy takes the place of what was sent; `flags` name what was forgiven. */
export interface ValidPayload {
  readonly ok: true
  readonly payload?: unknown
  readonly flags?: readonly string[]
}
export interface InvalidPayload {
  readonly ok: false
  readonly code: ErrorCode
  /** Plain words for the CALLERROR's description; names members, never values. */
  readonly detail: string
  readonly faults: readonly PayloadFault[]
}
export type Validation = ValidPayload | InvalidPayload

export const noFaults: readonly PayloadFault[] = Object.freeze([])

/** D4; how often something may occur is a matter of occurrence. */
const codeOfKeyword: ReadonlyMap<string, ErrorCode> = new Map([
  ['required', 'OccurrenceConstraintViolation'],
  ['minItems', 'OccurrenceConstraintViolation'],
  ['maxItems', 'OccurrenceConstraintViolation'],
  ['type', 'TypeConstraintViolation'],
  ['additionalProperties', 'FormatViolation']
])
/** Which fault names the answer when there are several: the one that says most. */
const precedence: readonly ErrorCode[] = [
  'OccurrenceConstraintViolation',
  'TypeConstraintViolation',
  'PropertyConstraintViolation',
  'FormatViolation'
]

function codeOf(fault: PayloadFault): ErrorCode {
  return codeOfKeyword.get(fault.keyword) ?? 'PropertyConstraintViolation'
}

/** The refusal that a payload with these faults gets (D4). */
export function refusal(faults: readonly PayloadFault[]): InvalidPayload {
  const code = precedence.find((candidate) => faults.some((fault) => codeOf(fault) === candidate)) ?? 'FormatViolation'
  const first = faults.find((fault) => codeOf(fault) === code)
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  const detail = first ? `${first.path === '' ? 'payload' : first.path} ${wordsOf(first)}${more}` : 'invalid payload'
  return { ok: false, code, detail, faults }
}

function wordsOf({ message, params }: PayloadFault): string {
  const unknown = params.additionalProperty
  return typeof unknown === 'string' ? `must not have a member '${unknown.slice(0, 50).toWellFormed()}'` : message
}
