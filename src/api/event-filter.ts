import type { LogRecord } from '../ports/event-log.ts'

export type EventFilter = (record: LogRecord) => boolean

function items(value: readonly string[] | undefined): string[] {
  return (value ?? [])
    .flatMap((item) => item.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** Which events a reader wants. Both may repeat and be lists with commas; a type may end in `*` (`transaction.*`). */
export function eventFilter(query: {
  readonly chargePointId?: readonly string[]
  readonly type?: readonly string[]
}): EventFilter {
  // An OCPP 1.6 id may hold a comma: the text as a whole counts too.
  const ids = new Set([...(query.chargePointId ?? []), ...items(query.chargePointId)])
  const types = items(query.type)
  const names = new Set(types.filter((type) => !type.endsWith('*')))
  const prefixes = types.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1))
  const anyId = ids.size === 0
  const anyType = types.length === 0
  return ({ chargePointId, type }) =>
    (anyId || ids.has(chargePointId)) &&
    (anyType || names.has(type) || prefixes.some((prefix) => type.startsWith(prefix)))
}
