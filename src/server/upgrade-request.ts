import type { IncomingHttpHeaders } from 'node:http'
import type { Refusal } from '../gateway/refusals.ts'
import type { OcppVersion } from '../protocol/version.ts'
import { acceptableDeflateOffer } from './deflate-offer.ts'
import { checkIdentity, parseIdentity } from './identity.ts'
import { chooseSubprotocol } from './subprotocol.ts'

export interface UpgradeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: IncomingHttpHeaders
}

export type ReadUpgrade =
  | {
      readonly ok: true
      readonly chargePointId: string
      readonly version: OcppVersion
      readonly subprotocol: string
      /** The compression offer to accept, if any. */
      readonly deflateOffer: string | undefined
    }
  | { readonly ok: false; readonly refusal: Refusal; readonly chargePointId: string | undefined }

// 16 bytes in base64. [RFC 6455 4.1]
const webSocketKey = /^[+/0-9A-Za-z]{22}==$/

function websocketFault({ method, headers }: UpgradeRequest): Refusal | undefined {
  if (headers.upgrade?.toLowerCase() !== 'websocket')
    return { code: 'not_a_websocket', detail: 'the header "Upgrade: websocket" is missing' }
  if (method !== 'GET') return { code: 'not_a_websocket', detail: `an upgrade is a GET, not a ${method}` }
  if (headers['sec-websocket-version'] !== '13')
    return { code: 'bad_upgrade', detail: 'Sec-WebSocket-Version has to be 13' }
  if (!webSocketKey.test(headers['sec-websocket-key'] ?? ''))
    return { code: 'bad_upgrade', detail: 'Sec-WebSocket-Key is missing or is not 16 bytes in base64' }
  return undefined
}

/** Everything that can be decided about an upgrade without asking anybody. Pure; the 101 is not sent here. */
export function readUpgrade(
  request: UpgradeRequest,
  settings: { readonly path: string; readonly defaultVersion?: OcppVersion; readonly compression: boolean }
): ReadUpgrade {
  const fault = websocketFault(request)
  if (fault) return { ok: false, refusal: fault, chargePointId: undefined }
  const identity = parseIdentity(request.url ?? '', settings.path)
  if (!identity.ok) return { ...identity, chargePointId: undefined }
  const { chargePointId } = identity
  const chosen = chooseSubprotocol(request.headers['sec-websocket-protocol'], settings.defaultVersion)
  if (!chosen.ok) return { ...chosen, chargePointId }
  const { version, subprotocol } = chosen
  const refusal = checkIdentity(chargePointId, version)
  if (refusal) return { ok: false, refusal, chargePointId }
  // D10: a 2.x CSMS has to support compression, 1.6 knows nothing of it. [Part 4 3.3, OCPP-J 1.6 5.1]
  const compress = settings.compression && version !== '1.6'
  const deflateOffer = compress ? acceptableDeflateOffer(request.headers['sec-websocket-extensions']) : undefined
  return { ok: true, chargePointId, version, subprotocol, deflateOffer }
}
