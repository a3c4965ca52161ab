import { utcText } from '../lib/utc-text.ts'
import type { OcppVersion } from '../protocol/version.ts'
import type { Decision } from './decision.ts'
import { parseDeviceTime } from './device-time.ts'
import type { DeviceTime, Evse } from './model.ts'
import type { Origin, TransactionFacts } from './table.ts'

export interface OriginFacts {
  readonly chargePointId: string
  readonly version: OcppVersion
  readonly action: string
  readonly receivedAtMs: number
  readonly bootIntervalS: number
  /** What was flagged before the row saw the payload: by the frame, the validator, the session. */
  readonly flags?: readonly string[]
}

/** The origin of one CALL. The session sets `decision` and `transaction` when it has them. */
export class CallOrigin implements Origin {
  readonly chargePointId: string
  readonly version: OcppVersion
  readonly action: string
  readonly receivedAtMs: number
  readonly receivedAt: string
  readonly bootIntervalS: number
  decision?: Decision
  transaction?: TransactionFacts
  readonly #flags: string[]

  constructor(facts: OriginFacts) {
    this.chargePointId = facts.chargePointId
    this.version = facts.version
    this.action = facts.action
    this.receivedAtMs = facts.receivedAtMs
    this.receivedAt = utcText(facts.receivedAtMs)
    this.bootIntervalS = facts.bootIntervalS
    this.#flags = facts.flags === undefined ? [] : [...new Set(facts.flags)]
  }

  get flags(): readonly string[] {
    return this.#flags
  }

  // Bound, so that it can be handed to parsers without a closure for each call.
  readonly flag = (name: string): void => {
    if (!this.#flags.includes(name)) this.#flags.push(name)
  }

  evse(connectorId: number): Evse {
    return connectorId === 0 ? { id: 0 } : { id: connectorId, connectorId: 1 }
  }

  deviceTime(raw: string): DeviceTime {
    return parseDeviceTime(raw, this.receivedAtMs, this.flag)
  }
}

/** What a row may know of a CALL beside its payload. */
export function createOrigin(facts: OriginFacts): CallOrigin {
  return new CallOrigin(facts)
}
