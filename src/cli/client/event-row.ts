import { cut, plain } from './text.ts'

interface Event {
  readonly time?: string
  readonly type?: string
  readonly subject?: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** Told elsewhere in the row, or too long for one. */
const hidden = new Set(['raw', 'flags', 'deviceTime', 'meterValues', 'defaulted', 'enriched', 'startKey'])

function valueText(name: string, value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const { id, connectorId, value: token } = value as { id?: number; connectorId?: number; value?: string }
  if (name === 'evse') return connectorId === undefined ? String(id) : `${id}/${connectorId}`
  if (name === 'idToken' || name === 'stopIdToken') return String(token)
  return JSON.stringify(value)
}

/** What a reader looks for stands first, since rows are short. */
const first = ['outcome', 'status', 'reason', 'transactionId', 'evse']

/** As long as `charge_point.status_changed`. */
const typeWidth = 27

/** An event as one line of at most `columns` characters. */
export function eventRow(text: string, columns: number): string {
  const { time = '', type = '', subject = '', data = {} } = JSON.parse(text) as Event
  const wide = columns >= 110
  const when = wide ? time.replace('T', ' ').replace('Z', '') : time.slice(11, 23)
  const idWidth = wide ? 20 : 14
  const names = new Set([...first.filter((name) => Object.hasOwn(data, name)), ...Object.keys(data)])
  const facts = [...names]
    .filter((name) => !hidden.has(name))
    .map((name) => [name, data[name]] as const)
    .map(([name, value]) => `${name}=${valueText(name, value)}`)
  const cells = [
    when,
    cut(plain(subject), idWidth).padEnd(idWidth),
    cut(type, typeWidth).padEnd(typeWidth),
    facts.join(' ')
  ]
  return cut(plain(cells.join('  ')), columns)
}
