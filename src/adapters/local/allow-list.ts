import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import type { AuthorizationStatus } from '../../events/decision.ts'

export interface ListedToken {
  readonly status: AuthorizationStatus
  readonly expiresAtMs?: number
  readonly parent?: string
}

/** Who may connect and who may charge. `undefined` stands for everybody (`"*"` in the file). */
export interface AllowList {
  readonly chargePoints: ReadonlySet<string> | undefined
  /** By the token in lower case. */
  readonly idTokens: ReadonlyMap<string, ListedToken> | undefined
}

export type ParsedAllowList =
  | { readonly ok: true; readonly list: AllowList }
  /** `line` is 1-based. */
  | { readonly ok: false; readonly line: number; readonly detail: string }

const statuses: Readonly<Record<AuthorizationStatus, true>> = {
  accepted: true,
  blocked: true,
  expired: true,
  invalid: true,
  unknown: true,
  concurrent_tx: true,
  no_credit: true,
  not_allowed_type_evse: true,
  not_at_this_location: true,
  not_at_this_time: true
}
const sections = ['charge_points', 'id_tokens']
const tokenMembers = ['value', 'status', 'expires_at', 'parent']
const shape = 'write charge_points and id_tokens, each a list or "*" for all'

/** An id token is compared without case: idTag is a CiString, and so is a 2.x idToken. [OCPP 1.6 7.28, 2.0.1 IdTokenType] */
export function tokenKey(value: string): string {
  return value.toLowerCase()
}

class Fault extends Error {
  readonly offset: number
  constructor(node: unknown, detail: string) {
    super(detail)
    this.offset = (node as Node | null)?.range?.[0] ?? 0
  }
}

/** Reads the text of an allow-list file, YAML or JSON. Every scalar is text, so that `0421` stays that tag. */
export function parseAllowList(text: string): ParsedAllowList {
  const lines = new LineCounter()
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error) return { ok: false, line: lines.linePos(error.pos[0]).line, detail: error.message }
  try {
    return { ok: true, list: readList(document.contents) }
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    return { ok: false, line: Math.max(lines.linePos(fault.offset).line, 1), detail: fault.message }
  }
}

function readList(contents: unknown): AllowList {
  const found = readMembers(contents, sections, `the file is not a mapping: ${shape}`)
  const chargePoints = readSection(contents, found, 'charge_points')
  const idTokens = readSection(contents, found, 'id_tokens')
  return {
    chargePoints: chargePoints && new Set(chargePoints.map((item) => readText(item, 'a charge point id'))),
    idTokens: idTokens && readTokens(idTokens)
  }
}

function readMembers(node: unknown, known: readonly string[], otherwise: string): Map<string, unknown> {
  if (!isMap(node)) throw new Fault(node, otherwise)
  const members = new Map<string, unknown>()
  for (const item of node.items) {
    if (!isPair(item)) throw new Fault(node, otherwise)
    const name = readText(item.key, 'a key')
    if (!known.includes(name)) throw new Fault(item.key, `unknown key '${name}'; known are ${known.join(', ')}`)
    members.set(name, item.value)
  }
  return members
}

function readSection(
  contents: unknown,
  found: ReadonlyMap<string, unknown>,
  name: string
): readonly unknown[] | undefined {
  const node = found.get(name)
  if (node === undefined) throw new Fault(contents, `${name} is missing: ${shape}`)
  if (isScalar(node) && node.value === '*') return undefined
  if (!isSeq(node)) throw new Fault(node, `${name} is neither a list nor "*"`)
  return node.items
}

function readText(node: unknown, what: string): string {
  if (!isScalar(node) || typeof node.value !== 'string' || node.value === '') {
    throw new Fault(node, `${what} is not a text`)
  }
  return node.value
}

function readTokens(items: readonly unknown[]): ReadonlyMap<string, ListedToken> {
  const tokens = new Map<string, ListedToken>()
  for (const item of items) {
    const { value, token } = readToken(item)
    if (tokens.has(tokenKey(value)))
      throw new Fault(item, `the id token '${value}' is listed twice (case does not count)`)
    tokens.set(tokenKey(value), token)
  }
  return tokens
}

function readToken(item: unknown): { value: string; token: ListedToken } {
  if (isScalar(item)) return { value: readText(item, 'an id token'), token: { status: 'accepted' } }
  const members = readMembers(item, tokenMembers, 'an id token is a text or { value, status, expires_at, parent }')
  const value = members.get('value')
  if (value === undefined) throw new Fault(item, 'an id token has no value')
  const status = members.get('status')
  const expiresAt = members.get('expires_at')
  const parent = members.get('parent')
  return {
    value: readText(value, 'the value of an id token'),
    token: {
      status: status === undefined ? 'accepted' : readStatus(status),
      ...(expiresAt === undefined ? {} : { expiresAtMs: readTime(expiresAt) }),
      ...(parent === undefined ? {} : { parent: readText(parent, 'parent') })
    }
  }
}

function readStatus(node: unknown): AuthorizationStatus {
  const text = readText(node, 'status')
  if (Object.hasOwn(statuses, text)) return text as AuthorizationStatus
  throw new Fault(node, `unknown status '${text}'; known are ${Object.keys(statuses).join(', ')}`)
}

function readTime(node: unknown): number {
  const text = readText(node, 'expires_at')
  const timeMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (Number.isNaN(timeMs)) throw new Fault(node, `expires_at '${text}' is not a time such as 2027-01-31T12:00:00Z`)
  return timeMs
}
