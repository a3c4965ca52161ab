import { parseArgs } from 'node:util'
import { GatewayError } from '../../lib/gateway-error.ts'
import { nearest } from '../../lib/nearest.ts'

export type Options = Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly multiple?: boolean }>>
export type OptionValue = string | boolean | (string | boolean)[] | undefined

export interface ClientArguments {
  readonly positionals: readonly string[]
  text(name: string): string | undefined
  texts(name: string): readonly string[]
  flag(name: string): boolean
}

/** The command line cannot be understood: exit code 2. */
export function usageFault(message: string): GatewayError {
  return new GatewayError('usage', message)
}

/** Options that every client of the API takes. */
const common: Options = {
  url: { type: 'string' },
  token: { type: 'string' },
  json: { type: 'boolean' }
}

function explain(error: Error & { readonly code?: string }, known: readonly string[]): GatewayError {
  const [, name] = /^Unknown option '(-[^']*)'/.exec(error.message) ?? []
  if (name === undefined) return usageFault(error.message)
  const meant = nearest(name.replace(/^-+/, ''), known)
  return usageFault(
    `There is no option ${name}; ${meant ? `did you mean --${meant}?` : `known are --${known.join(', --')}`}`
  )
}

/** Options may stand anywhere; more than `positionalsMax` other arguments are refused. Throws a usage fault. */
export function readArguments(argv: readonly string[], own: Options, positionalsMax: number): ClientArguments {
  const options = { ...common, ...own }
  let parsed: { readonly values: Record<string, OptionValue>; readonly positionals: readonly string[] }
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw explain(error as Error, Object.keys(options))
  }
  const { values, positionals } = parsed
  const extra = positionals[positionalsMax]
  if (extra !== undefined) throw usageFault(`Unexpected argument ${extra}`)
  const textOf = (value: OptionValue): string | undefined => (typeof value === 'string' ? value : undefined)
  return {
    positionals,
    text: (name) => textOf(values[name]),
    texts: (name) => [values[name] ?? []].flat().filter((value) => typeof value === 'string'),
    flag: (name) => values[name] === true
  }
}

export const commonUsage = `
  --url URL            address of the API (CPG_URL; default http://127.0.0.1:8081)
  --token TOKEN        bearer token of the API (CPG_TOKEN)
  --json               JSON lines, also on a terminal; in a pipe that is so anyway`
