/** Deeper messages are refused: what reads them later recurses. OCPP itself needs about ten levels. */
export const nestingMax = 100
/** As far as the head of a broken message is looked for. */
const headCharsMax = 2048

const headPattern = /^\s*\[\s*(-?\d{1,9})\s*,\s*(?:("(?:[^"\\]|\\.)*")|(-?\d{1,20}(?=\s*,)))?/

/** Type and id of a text that is not JSON, when its beginning still tells the type. */
export function recoverHead(text: string): { readonly type: number; readonly id: unknown } | undefined {
  const match = headPattern.exec(text.slice(0, headCharsMax))
  if (!match?.[1]) return undefined
  return { type: Number(match[1]), id: readLiteral(match[2] ?? match[3]) }
}

function readLiteral(literal: string | undefined): unknown {
  if (literal === undefined) return undefined
  try {
    return JSON.parse(literal)
  } catch {
    // A control character or a bad escape inside the id: it cannot be read.
    return undefined
  }
}

/** True when `value`, read from `text`, is nested deeper than `nestingMax`. Nearly free for usual messages. */
export function isNestedTooDeep(text: string, value: unknown): boolean {
  if (text.length < 2 * nestingMax || !hasOpeners(text, nestingMax)) return false
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > nestingMax) return true
    level = level.flatMap(childrenOf)
  }
  return false
}

function hasOpeners(text: string, wanted: number): boolean {
  let found = 0
  for (const opener of ['[', '{']) {
    for (let at = text.indexOf(opener); at !== -1; at = text.indexOf(opener, at + 1)) {
      found += 1
      if (found > wanted) return true
    }
  }
  return false
}

function childrenOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).filter((child) => typeof child === 'object' && child !== null)
}
