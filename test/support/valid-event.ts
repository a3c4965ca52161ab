import { fail } from 'node:assert'
import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'

const ajv = new Ajv({ allErrors: true })
const compiled = new Map<string, ValidateFunction>()

function validatorOf(name: string): ValidateFunction {
  const known = compiled.get(name)
  if (known) return known
  let text: string
  try {
    text = readFileSync(new URL(`../../schemas/events/${name}.json`, import.meta.url), 'utf8')
  } catch (cause) {
    throw new Error(`there is no schema of the event type ${name}`, { cause })
  }
  const validate = ajv.compile(JSON.parse(text))
  compiled.set(name, validate)
  return validate
}

/** Fails unless the event, as JSON, is valid against the schema of the envelope and of its own type. */
export function assertValidEvent(event: object): void {
  const value: unknown = JSON.parse(JSON.stringify(event))
  const { type, data } = value as { readonly type?: unknown; readonly data?: unknown }
  assertMatches('envelope', value)
  assertMatches(String(type), data)
}

/** Fails unless the data is valid against the schema of its event type. */
export function assertValidData(type: string, data: unknown): void {
  assertMatches(type, JSON.parse(JSON.stringify(data)))
}

function assertMatches(name: string, value: unknown): void {
  const validate = validatorOf(name)
  if (validate(value)) return
  fail(`not valid against schemas/events/${name}.json: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`)
}
