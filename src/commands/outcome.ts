import type { OcppVersion } from '../protocol/version.ts'
import type { CommandRule } from './table.ts'
import { v16Commands } from './v16.ts'
import { v21Commands } from './v21.ts'
import { v201Commands } from './v201.ts'

/** The action is a string that somebody sent, so a table is looked up as a `Map`, never as a plain object. */
const rules: Readonly<Record<OcppVersion, ReadonlyMap<string, CommandRule>>> = {
  '1.6': new Map<string, CommandRule>(Object.entries(v16Commands)),
  '2.0.1': new Map<string, CommandRule>(Object.entries(v201Commands)),
  '2.1': new Map<string, CommandRule>(Object.entries(v21Commands))
}

/** The row of an action that the gateway may send to a charge point of this version; undefined for any other text. */
export function commandRule(version: OcppVersion, action: string): CommandRule | undefined {
  return rules[version].get(action)
}

export interface CallOutcome {
  readonly outcome: 'accepted' | 'rejected'
  /** The charge point's own word. */
  readonly status?: string
}

/** What a valid CALLRESULT means, by the column `accepted` of its action's row. */
export function outcomeOf(version: OcppVersion, action: string, response: unknown): CallOutcome {
  const accepted = commandRule(version, action)?.accepted ?? []
  const status = statusOf(response)
  if (accepted.length === 0) return status === undefined ? { outcome: 'accepted' } : { outcome: 'accepted', status }
  if (status === undefined) return { outcome: 'rejected' }
  return { outcome: accepted.includes(status) ? 'accepted' : 'rejected', status }
}

function statusOf(response: unknown): string | undefined {
  if (typeof response !== 'object' || response === null || !('status' in response)) return undefined
  return typeof response.status === 'string' ? response.status : undefined
}
