const numberPattern = /^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/

/** The same value in the JSON type that the schema wants; undefined when it is not the same value. */
export function coerce(value: unknown, wanted: unknown): unknown {
  switch (wanted) {
    case 'string':
      return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
    case 'number':
    case 'integer':
      return typeof value === 'string' ? coerceNumber(value, wanted) : undefined
    case 'boolean':
      return coerceBoolean(value)
    case 'array':
      // A list of one that was sent without the list. [Part 4 4.1.5]
      return typeof value === 'object' && value !== null ? [value] : undefined
    case 'object':
      // An empty object as PHP writes it.
      return Array.isArray(value) && value.length === 0 ? {} : undefined
    default:
      return undefined
  }
}

function coerceNumber(text: string, wanted: 'number' | 'integer'): number | undefined {
  if (!numberPattern.test(text)) return undefined
  const value = Number(text)
  if (!Number.isFinite(value)) return undefined
  return wanted === 'number' || Number.isSafeInteger(value) ? value : undefined
}

function coerceBoolean(value: unknown): boolean | undefined {
  if (value === 0 || value === 1) return value === 1
  if (typeof value !== 'string') return undefined
  const text = value.toLowerCase()
  return text === 'true' || text === 'false' ? text === 'true' : undefined
}
