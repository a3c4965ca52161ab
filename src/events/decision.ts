import type { OcppVersion } from '../protocol/version.ts'

/** An id token in unified form. `type` is absent for 1.6, whose idTag has none. */
export interface IdToken {
  readonly value: string
  readonly type?: string
  readonly additionalInfo?: readonly { readonly additionalIdToken: string; readonly type: string }[]
}

export type AuthorizationStatus =
  | 'accepted'
  | 'blocked'
  | 'expired'
  | 'invalid'
  | 'unknown'
  | 'concurrent_tx'
  | 'no_credit'
  | 'not_allowed_type_evse'
  | 'not_at_this_location'
  | 'not_at_this_time'

export type RegistrationStatus = 'accepted' | 'pending' | 'rejected'

/** Who answered: the local policy, the webhook, its cache, a declared fallback, or the gateway's own rule. */
export type DecidedBy = 'local' | 'http' | 'cache' | 'fallback' | 'gateway'

/** A question that a CALL of a `decision` row asks. Which questions a row asks is part of its table. */
export type DecisionRequest = {
  readonly chargePointId: string
  readonly version: OcppVersion
  readonly action: string
} & (
  | { readonly kind: 'authorize'; readonly idToken: IdToken }
  /** `offline`: the transaction has already begun at the station; the answer can only be remembered (D13). */
  | { readonly kind: 'transaction'; readonly idToken: IdToken; readonly offline: boolean }
  | {
      readonly kind: 'boot'
      readonly vendor: string
      readonly model: string
      readonly serialNumber?: string
      readonly reason?: string
    }
  | { readonly kind: 'data_transfer'; readonly vendorId: string; readonly messageId?: string; readonly data?: unknown }
  /** Every other 2.x question (SignCertificate, Get15118EVCertificate, NotifyEVChargingNeeds, ...): the whole payload. */
  | { readonly kind: 'call'; readonly payload: unknown }
)

/** What a row asks, of one kind: the session adds who and where. */
export type Question<Kind extends DecisionRequest['kind'] = DecisionRequest['kind']> = Kind extends unknown
  ? Omit<Extract<DecisionRequest, { readonly kind: Kind }>, 'chargePointId' | 'version' | 'action'>
  : never

/** The answer to a `DecisionRequest`, version-independent; rows turn it into the response of their version. */
export interface Decision {
  readonly decidedBy: DecidedBy
  readonly authorization?: {
    readonly status: AuthorizationStatus
    /** UTC, `YYYY-MM-DDTHH:mm:ss.sssZ`. */
    readonly expiresAt?: string
    readonly parentIdToken?: IdToken
  }
  readonly registration?: { readonly status: RegistrationStatus; readonly intervalS: number }
  /** A response payload, or members of one, in the words of the version (DataTransfer, certificates, ...). */
  readonly response?: Readonly<Record<string, unknown>>
}
