import { present } from '../lib/present.ts'
import type { Authorization } from './data-transaction.ts'
import type { AuthorizationStatus, IdToken } from './decision.ts'
import type { Origin } from './table.ts'

/** The id token of a 2.x message. The type is empty when the station left it out and was forgiven. */
export function idTokenOf(said: {
  readonly idToken: string
  readonly type: string
  readonly additionalInfo?: readonly { readonly additionalIdToken: string; readonly type: string }[]
}): IdToken {
  return present<IdToken>({
    value: said.idToken,
    type: said.type === '' ? undefined : said.type,
    additionalInfo: said.additionalInfo?.map(({ additionalIdToken, type }) => ({ additionalIdToken, type }))
  })
}

/** What was decided about the id token of this message; refused when nothing was. */
export function authorizationOf(from: Origin): Authorization {
  const decidedBy = from.decision?.decidedBy ?? 'gateway'
  const { status = 'invalid', expiresAt, parentIdToken } = from.decision?.authorization ?? {}
  return present<Authorization>({ status, decidedBy, expiresAt, parentIdToken })
}

const v16Status = {
  accepted: 'Accepted',
  blocked: 'Blocked',
  expired: 'Expired',
  invalid: 'Invalid',
  unknown: 'Invalid',
  concurrent_tx: 'ConcurrentTx',
  no_credit: 'Blocked',
  not_allowed_type_evse: 'Invalid',
  not_at_this_location: 'Invalid',
  not_at_this_time: 'Invalid'
} as const satisfies Record<AuthorizationStatus, string>

/** `idTagInfo` of a 1.6 answer. [OCPP 1.6 7.27] */
export function idTagInfoOf(from: Origin) {
  const { status = 'invalid', expiresAt, parentIdToken } = from.decision?.authorization ?? {}
  return {
    status: v16Status[status],
    ...(expiresAt === undefined ? {} : { expiryDate: expiresAt }),
    // A token longer than a 1.6 idTag cannot be its parent. [OCPP 1.6 7.28]
    ...(parentIdToken === undefined || parentIdToken.value.length > 20 ? {} : { parentIdTag: parentIdToken.value })
  }
}

const v2Status = {
  accepted: 'Accepted',
  blocked: 'Blocked',
  expired: 'Expired',
  invalid: 'Invalid',
  unknown: 'Unknown',
  concurrent_tx: 'ConcurrentTx',
  no_credit: 'NoCredit',
  not_allowed_type_evse: 'NotAllowedTypeEVSE',
  not_at_this_location: 'NotAtThisLocation',
  not_at_this_time: 'NotAtThisTime'
} as const satisfies Record<AuthorizationStatus, string>

/** The types that 2.0.1 lists, all of which 2.1 knows. [OCPP 2.0.1 part 2, 3.43] */
const v2TokenTypes = ['Central', 'eMAID', 'ISO14443', 'ISO15693', 'KeyCode', 'Local', 'MacAddress'] as const

/** `idTokenInfo` of a 2.x answer. [OCPP 2.0.1 part 2, 2.31] */
export function idTokenInfoOf(from: Origin) {
  const { status = 'invalid', expiresAt, parentIdToken } = from.decision?.authorization ?? {}
  return {
    status: v2Status[status],
    ...(expiresAt === undefined ? {} : { cacheExpiryDateTime: expiresAt }),
    ...(parentIdToken === undefined || parentIdToken.value.length > 36
      ? {}
      : {
          groupIdToken: {
            idToken: parentIdToken.value,
            type: v2TokenTypes.find((type) => type === parentIdToken.type) ?? ('Central' as const)
          }
        })
  }
}
