import { z } from 'zod'
import { durationPattern, parseDuration } from '../lib/duration.ts'
import { parseSize, sizePattern } from '../lib/size.ts'

export type SettingKind = 'text' | 'integer' | 'flag' | 'choice' | 'duration' | 'size' | 'list' | 'tokens'

/** A value as a file, a variable or a flag may write it. */
export type RawValue = string | number | boolean | readonly unknown[]

/** One key of the configuration: all that loader, documentation, JSON Schema and example know of it. */
export interface Setting<T = unknown, K extends SettingKind = SettingKind> {
  readonly kind: K
  /** From the written value to the value that the gateway uses. */
  readonly value: z.ZodType<T>
  /** As a user would write it; undefined: the key may be absent. */
  readonly default: RawValue | undefined
  /** Plain words for a default that the machine gives. */
  readonly defaultFrom?: string
  /** For a key without default: what one could write. */
  readonly example?: string
  /** One sentence. */
  readonly description: string
  /** What a valid value is, for messages: "a duration such as 30s, from 1s to 1h". */
  readonly expected: string
  /** The values of a `choice`. */
  readonly choices?: readonly string[]
  /** Masked wherever it is printed, and may be given as a file (`<key>_file`). */
  readonly secret: boolean
}

/** An API token and the name under which its requests are known. */
export interface ApiToken {
  readonly name: string
  readonly token: string
}

interface Range {
  readonly min: string
  readonly max: string
}

function withinRange(kind: string, example: string, range: Range): string {
  return `a ${kind} such as ${example}, from ${range.min} to ${range.max}`
}

/** A time span; the configuration holds milliseconds, in a member whose name ends in `Ms`. */
export function duration(text: string, range: Range, description: string): Setting<number, 'duration'> {
  const [min = 0, max = 0] = [parseDuration(range.min), parseDuration(range.max)]
  const value = z
    .string()
    .regex(durationPattern)
    .transform((written) => parseDuration(written) ?? Number.NaN)
    .refine((ms) => ms >= min && ms <= max)
  return {
    kind: 'duration',
    value,
    default: text,
    description,
    expected: withinRange('duration', '30s', range),
    secret: false
  }
}

/** A number of bytes. */
export function size(text: string, range: Range, description: string): Setting<number, 'size'> {
  const [min = 0, max = 0] = [parseSize(range.min), parseSize(range.max)]
  const value = z
    .string()
    .regex(sizePattern)
    .transform((written) => parseSize(written) ?? Number.NaN)
    .refine((bytes) => bytes >= min && bytes <= max)
  return {
    kind: 'size',
    value,
    default: text,
    description,
    expected: withinRange('size', '1MiB', range),
    secret: false
  }
}

export function integer(
  count: number,
  range: { readonly min: number; readonly max: number },
  description: string
): Setting<number, 'integer'> {
  const value = z.int().min(range.min).max(range.max)
  const expected = `a whole number from ${range.min} to ${range.max}`
  return { kind: 'integer', value, default: count, description, expected, secret: false }
}

export function flag(on: boolean, description: string): Setting<boolean, 'flag'> {
  return { kind: 'flag', value: z.boolean(), default: on, description, expected: 'true or false', secret: false }
}

export function choice<const C extends readonly string[]>(
  choices: C,
  first: C[number],
  description: string
): Setting<C[number], 'choice'> {
  const value = z.enum(choices) as unknown as z.ZodType<C[number]>
  return {
    kind: 'choice',
    value,
    default: first,
    description,
    expected: `one of ${choices.join(', ')}`,
    choices,
    secret: false
  }
}

/** What a text must look like. */
export interface TextForm {
  readonly pattern: RegExp
  readonly expected: string
  readonly example: string
}

export function text(written: string, description: string, form: TextForm): Setting<string, 'text'> {
  const value = z.string().regex(form.pattern)
  return { kind: 'text', value, default: written, description, expected: form.expected, secret: false }
}

/** A text whose default the machine gives, such as its host name. */
export function machineText(defaultFrom: string, description: string, form: TextForm): Setting<string, 'text'> {
  const value = z.string().regex(form.pattern)
  return {
    kind: 'text',
    value,
    default: undefined,
    defaultFrom,
    example: form.example,
    description,
    expected: form.expected,
    secret: false
  }
}

export function optionalText(description: string, form: TextForm): Setting<string | undefined, 'text'> {
  const value = z.string().regex(form.pattern).optional()
  return {
    kind: 'text',
    value,
    default: undefined,
    example: form.example,
    description,
    expected: form.expected,
    secret: false
  }
}

export function optionalSecret(description: string, form: TextForm): Setting<string | undefined, 'text'> {
  return { ...optionalText(description, form), secret: true }
}

export function list(description: string, form: TextForm): Setting<readonly string[], 'list'> {
  const value = z.array(z.string().regex(form.pattern)).refine((items) => new Set(items).size === items.length)
  const expected = `a list of different entries, each ${form.expected}`
  return { kind: 'list', value, default: [], description, expected, secret: false }
}

/** What RFC 6750 lets stand after `Bearer`; a colon is not in it, so `name:token` is unambiguous. */
export const bearerToken: TextForm = {
  pattern: /^[A-Za-z0-9._~+/-]+=*$/,
  expected: 'a token of letters, digits and -._~+/',
  example: 'a-long-random-token'
}
const namedToken = /^(?:([A-Za-z0-9._-]{1,64}):)?([A-Za-z0-9._~+/-]+=*)$/

/** Bearer tokens: each `token`, `name:token`, or `{ name, token }`. */
export function tokens(description: string): Setting<readonly ApiToken[], 'tokens'> {
  const written = z.union([
    z.string().regex(namedToken),
    z.strictObject({ name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/), token: z.string().regex(bearerToken.pattern) })
  ])
  const value = z
    .array(written)
    .transform((items) =>
      items.map((item, index): ApiToken => {
        if (typeof item !== 'string') return item
        const [, name, token = ''] = namedToken.exec(item) ?? []
        return { name: name ?? `token-${index + 1}`, token }
      })
    )
    .refine((items) => new Set(items.map(({ name }) => name)).size === items.length)
    .refine((items) => new Set(items.map(({ token }) => token)).size === items.length)
  const expected =
    'a list of different tokens, each `token`, `name:token` or { name, token }, of letters, digits and -._~+/'
  return { kind: 'tokens', value, default: [], description, expected, secret: true }
}
