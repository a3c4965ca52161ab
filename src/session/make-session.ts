import { rulesOf } from '../events/to-events.ts'
import type { PayloadValidator } from '../protocol/validate.ts'
import type { OcppVersion } from '../protocol/version.ts'
import type { SessionTools } from './context.ts'
import type { ChargePointSession, SessionIds, SessionSettings, SessionStart } from './effect.ts'
import { Session } from './session.ts'

export interface SessionDeps {
  readonly settings: SessionSettings
  readonly ids: SessionIds
  /** Shared by all sessions of a version; asked once for each. */
  readonly validatorOf: (version: OcppVersion) => PayloadValidator
}

/** What the gateway makes its sessions with: everything that is compiled is shared by all of one version. */
export function createSessionMaker(deps: SessionDeps): (start: SessionStart) => ChargePointSession {
  const tools = new Map<OcppVersion, SessionTools>()
  return (start) => {
    const { version } = start
    let shared = tools.get(version)
    if (!shared) {
      const { settings, ids, validatorOf } = deps
      shared = { settings, ids, validator: validatorOf(version), rules: rulesOf(version) }
      tools.set(version, shared)
    }
    return new Session(shared, start)
  }
}
