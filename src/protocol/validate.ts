import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { fastFormats } from 'ajv-formats/dist/formats.js'
import { isChargePointCall, isChargePointSend } from './actions.ts'
import { type ForgiveRule, forgive } from './forgive.ts'
import type { Leniency } from './frame.ts'
import { loadSchemas, type PayloadSchema } from './schemas.ts'
import {
  type InvalidPayload,
  noFaults,
  type PayloadFault,
  refusal,
  type Validation,
  type ValidPayload
} from './validation.ts'
import type { OcppVersion } from './version.ts'

export interface PayloadValidator {
  readonly version: OcppVersion
  /** The payload of a charge point's CALL: unknown action NotImplemented, wrong direction NotSupported (rule 37). */
  validateRequest(action: string, payload: unknown, leniency: Leniency): Validation
  /** The payload of a charge point's SEND. */
  validateSend(action: string, payload: unknown, leniency: Leniency): Validation
  /** The payload of a CALL of ours. Always strict. */
  validateCommand(action: string, payload: unknown): Validation
  /** The payload of a CALLRESULT, the charge point's or ours. Strict unless told otherwise. */
  validateResponse(action: string, payload: unknown, leniency?: Leniency): Validation
  /** Compile what was not needed yet, one schema a step, so that a start need not wait for all of them. */
  warm(): Generator<string, void>
  readonly schemas: number
}

const valid: ValidPayload = Object.freeze({ ok: true })
/** A payload with more faults is not looked at closely, and the rest of them is not kept. */
const faultsMax = 1000

/** The validator of one version. Schemas are compiled when first used. */
export function createValidator(version: OcppVersion): PayloadValidator {
  const ajv = new Ajv({
    strict: false,
    allErrors: true,
    // 8.1 is a multiple of 0.1, also in binary.
    multipleOfPrecision: 6,
    formats: { 'date-time': fastFormats['date-time'], uri: fastFormats.uri }
  })
  const requests = new Map<string, LazySchema>()
  const responses = new Map<string, LazySchema>()
  for (const { action, part, schema } of loadSchemas(version)) {
    const target = part === 'request' ? requests : responses
    target.set(action, new LazySchema(ajv, schema))
  }

  function check(lazy: LazySchema, payload: unknown): Validation {
    return lazy.validate(payload) ? valid : refusal(faultsOf(lazy.validate))
  }

  function checkLeniently(
    lazy: LazySchema,
    payload: unknown,
    action: string,
    part: ForgiveRule['part'],
    leniency: Leniency
  ): Validation {
    const validate = lazy.validate
    if (validate(payload)) return valid
    const faults = faultsOf(validate)
    if (faults.length > faultsMax) return refusal(faults)
    const rule = { version, action, part, leniency }
    const forgiven = forgive(payload, faults, rule, (copy) => (validate(copy) ? noFaults : faultsOf(validate)))
    return forgiven.ok ? forgiven : refusal(forgiven.faults)
  }

  function wrongAction(action: string): InvalidPayload {
    return requests.has(action)
      ? { ok: false, code: 'NotSupported', detail: 'the action goes the other way', faults: noFaults }
      : { ok: false, code: 'NotImplemented', detail: `OCPP ${version} has no such action`, faults: noFaults }
  }

  return {
    version,
    schemas: requests.size + responses.size,
    validateRequest(action, payload, leniency) {
      const lazy = isChargePointCall(version, action) ? requests.get(action) : undefined
      return lazy ? checkLeniently(lazy, payload, action, 'request', leniency) : wrongAction(action)
    },
    validateSend(action, payload, leniency) {
      const lazy = isChargePointSend(version, action) ? requests.get(action) : undefined
      return lazy ? checkLeniently(lazy, payload, action, 'request', leniency) : wrongAction(action)
    },
    validateCommand(action, payload) {
      const isOurs =
        action === 'DataTransfer' || !(isChargePointCall(version, action) || isChargePointSend(version, action))
      const lazy = isOurs ? requests.get(action) : undefined
      return lazy ? check(lazy, payload) : wrongAction(action)
    },
    validateResponse(action, payload, leniency = 'strict') {
      const lazy = responses.get(action)
      if (!lazy) return wrongAction(action)
      return leniency === 'strict' ? check(lazy, payload) : checkLeniently(lazy, payload, action, 'response', leniency)
    },
    *warm() {
      // What charge points send first.
      const inbound = [...requests].filter(([action]) => isChargePointCall(version, action))
      for (const [name, lazy] of [...inbound, ...requests, ...responses]) {
        if (lazy.isCompiled) continue
        lazy.compile()
        yield name
      }
    }
  }
}

class LazySchema {
  readonly #ajv: Ajv
  readonly #schema: PayloadSchema
  #validate: ValidateFunction | undefined

  constructor(ajv: Ajv, schema: PayloadSchema) {
    this.#ajv = ajv
    // The ids of the three versions are the same names, and an id would be kept by Ajv for ever.
    const { $id: _, ...anonymous } = schema
    this.#schema = anonymous
    this.#validate = undefined
  }

  get isCompiled(): boolean {
    return this.#validate !== undefined
  }

  get validate(): ValidateFunction {
    return this.#validate ?? this.compile()
  }

  compile(): ValidateFunction {
    const compiled = this.#ajv.compile(this.#schema)
    this.#validate = compiled
    return compiled
  }
}

/** The first faults of the last check; the validator forgets them all, since they hold the payload's keys. */
function faultsOf(validate: ValidateFunction): readonly PayloadFault[] {
  const errors = validate.errors ?? []
  validate.errors = null
  return errors.slice(0, faultsMax + 1).map((error: ErrorObject) => ({
    path: error.instancePath,
    keyword: error.keyword,
    params: error.params,
    message: error.message ?? error.keyword
  }))
}
