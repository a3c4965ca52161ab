import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import type { JsonSchema } from './schemas.ts'

export type RequestPart = 'body' | 'querystring' | 'params' | 'headers'

/** A fault of a request in plain words, one sentence. */
export function describeFault(part: string, errors: readonly ErrorObject[]): string {
  const [error] = errors
  if (!error) return `${part} is not valid`
  const path = error.instancePath.slice(1).replaceAll('/', '.')
  const whole = part === 'querystring' ? 'query' : part
  const where = path === '' ? whole : `${whole} member \`${path}\``
  const { additionalProperty, allowedValues } = error.params as {
    additionalProperty?: string
    allowedValues?: unknown[]
  }
  if (additionalProperty !== undefined) return `${where} has an unknown member \`${additionalProperty}\``
  if (allowedValues !== undefined) return `${where} must be one of ${allowedValues.join(', ')}`
  return `${where} ${error.message ?? 'is not valid'}`
}

/** Bodies are taken as they are; texts of URL and headers become numbers and flags where the schema says so. */
export function requestValidators(shared: readonly JsonSchema[]): (part: string, schema: object) => ValidateFunction {
  const options = { strict: true, strictRequired: false, allErrors: false, useDefaults: true, schemas: [...shared] }
  const bodies = new Ajv(options)
  const texts = new Ajv({ ...options, coerceTypes: 'array' })
  for (const ajv of [bodies, texts]) formats.default(ajv)
  return (part, schema) => (part === 'body' ? bodies : texts).compile(schema)
}
