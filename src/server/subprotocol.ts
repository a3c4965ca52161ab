import type { Refusal } from '../gateway/refusals.ts'
import { type OcppVersion, subprotocols } from '../protocol/version.ts'

export type ChosenSubprotocol =
  /** `subprotocol` is what the upgrade echoes; empty: the upgrade names none. */
  | { readonly ok: true; readonly version: OcppVersion; readonly subprotocol: string }
  | { readonly ok: false; readonly refusal: Refusal }

const offerCharactersMax = 200

/**
 * The client's first sub-protocol that is spoken here, whatever our own order. [OCPP-J 1.6 3.1.3, Part 4 2.1 3.1.2]
 * None in common: no upgrade (D1), because official test cases expect that. `header` holds all
 * Sec-WebSocket-Protocol headers, joined by commas.
 */
export function chooseSubprotocol(
  header: string | undefined,
  defaultVersion: OcppVersion | undefined
): ChosenSubprotocol {
  const offered = (header ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  for (const name of offered) {
    const version = subprotocols.get(name)
    if (version) return { ok: true, version, subprotocol: name }
  }
  if (offered.length > 0)
    return {
      ok: false,
      refusal: {
        code: 'unsupported_subprotocol',
        detail: `offered: ${offered.join(', ').slice(0, offerCharactersMax)}`
      }
    }
  if (defaultVersion) return { ok: true, version: defaultVersion, subprotocol: '' }
  return { ok: false, refusal: { code: 'no_subprotocol' } }
}
