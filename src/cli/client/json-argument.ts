import { usageFault } from './arguments.ts'

const literals = ['true', 'false', 'null'] as const
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const string = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy

/** Finds where a text stops being JSON: V8 names the place for some faults only. */
class JsonScanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Index of the first character that cannot stand there; the length of the text when something is missing. */
  fault(): number {
    if (!this.#value()) return this.#at
    this.#space()
    return this.#at
  }

  #space(): void {
    while (/[ \t\n\r]/.test(this.#text[this.#at] ?? 'x')) this.#at += 1
  }

  #take(expected: string): boolean {
    this.#space()
    if (!this.#text.startsWith(expected, this.#at)) return false
    this.#at += expected.length
    return true
  }

  #match(pattern: RegExp): boolean {
    this.#space()
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (!found) return false
    this.#at += found[0].length
    return true
  }

  #value(): boolean {
    if (this.#take('{')) return this.#members('}', () => this.#match(string) && this.#take(':') && this.#value())
    if (this.#take('[')) return this.#members(']', () => this.#value())
    return this.#match(string) || this.#match(number) || literals.some((literal) => this.#take(literal))
  }

  #members(end: '}' | ']', member: () => boolean): boolean {
    if (this.#take(end)) return true
    for (;;) {
      if (!member()) return false
      if (this.#take(end)) return true
      if (!this.#take(',')) return false
    }
  }
}

function pointAt(text: string, at: number): string {
  const before = text.slice(0, at).split('\n')
  const column = (before.at(-1) ?? '').length
  const line = text.split('\n')[before.length - 1] ?? ''
  const from = Math.max(0, column - 50)
  return `line ${before.length}, column ${column + 1}:\n  ${line.slice(from, from + 70)}\n  ${' '.repeat(column - from)}^`
}

/** An argument that has to be a JSON object. Throws a usage fault that shows the place and what to do. */
export function jsonObjectArgument(text: string, example: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    const at = new JsonScanner(text).fault()
    const what = at >= text.length ? 'something is missing at the end' : 'this cannot stand there'
    const hint = text.includes('"')
      ? `It has to be like ${example}`
      : `Names and texts need double quotes, and single quotes around it all keep the shell from taking them away: ${example}`
    throw usageFault(`The data is not JSON, ${what}, ${pointAt(text, at)}\n${hint}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw usageFault(`The data has to be a JSON object, as in ${example}`)
}
