/** Characters that would move the cursor, colour the screen or begin a line: a charge point may have sent them. */
const unprintable = /[\p{Cc}\u2028\u2029]/gu
const colours: Readonly<Record<string, string>> = { debug: '90', info: '36', warn: '33', error: '31' }

/** One line for a person from one JSON log line; an error's stack follows, indented. */
export function prettyLine(json: string, coloured: boolean): string {
  const { level, time, msg, error, ...fields } = JSON.parse(json) as Record<string, unknown>
  const paint = (code: string, text: string): string => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text)
  const name = typeof level === 'string' ? level : ''
  const clock = typeof time === 'string' ? time.slice(11, 23) : ''
  // An error without a stack is a fact like others.
  const own = typeof error === 'string' ? { ...fields, error } : fields
  const facts = Object.entries(own).map(([key, value]) => paint('90', `${printable(key)}=`) + factText(value))
  const head = [
    paint('90', clock),
    paint(colours[name] ?? '0', name.toUpperCase().padEnd(5)),
    printable(typeof msg === 'string' ? msg : ''),
    ...facts
  ].join(' ')
  return `${head}${typeof error === 'string' ? '' : errorText(error)}\n`
}

function factText(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return printable(value)
  return printable(JSON.stringify(value))
}

function errorText(error: unknown): string {
  if (error === undefined) return ''
  const stack = typeof error === 'object' && error !== null && 'stack' in error ? error.stack : undefined
  const lines = typeof stack === 'string' ? stack.split('\n') : [JSON.stringify(error)]
  return lines.map((line) => `\n    ${printable(line.trimEnd())}`).join('')
}

function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
