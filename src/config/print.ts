import { lastPart, yamlText } from './document.ts'
import type { EffectiveValue } from './load.ts'
import { masked, withoutPasswords } from './masked.ts'

function shown({ key, written }: EffectiveValue): unknown {
  if (typeof written === 'string' && !key.setting.secret) return withoutPasswords(written)
  if (!key.setting.secret || written === undefined) return written
  return Array.isArray(written) ? written.map(() => masked) : masked
}

/** The configuration in force as YAML, each line with its origin; secrets masked. */
export function printConfig(values: readonly EffectiveValue[]): string {
  const rows: { readonly text: string; readonly origin: string }[] = []
  let group = ''
  for (const value of values) {
    const { key, origin } = value
    if (key.group !== group) rows.push({ text: `${key.group}:`, origin: '' })
    group = key.group
    const name = lastPart(key)
    const now = shown(value)
    // An absent value is shown, but as a comment: in YAML `name:` alone would be an empty value.
    const line = now === undefined ? `# ${name}: (absent)` : `${name}: ${yamlText(now)}`
    rows.push({ text: group === '' ? line : `  ${line}`, origin })
  }
  const width = Math.min(60, Math.max(...rows.map(({ text }) => text.length)))
  return rows.map(({ text, origin }) => (origin === '' ? text : `${text.padEnd(width)}  # ${origin}`)).join('\n')
}

/** The same for programs: key -> value and origin. */
export function printConfigJson(values: readonly EffectiveValue[]): string {
  const entries = values.map(
    (value) => [value.key.name, { value: shown(value) ?? null, origin: value.origin }] as const
  )
  return JSON.stringify(Object.fromEntries(entries), null, 2)
}
