import type { RegistrationStatus } from '../events/decision.ts'
import { isTransactionMessage } from '../protocol/actions.ts'
import type { OcppVersion } from '../protocol/version.ts'

/** `unregistered`: let through and flagged, because money would be lost otherwise (D6). */
export type CallGate = 'open' | 'unregistered' | 'refused'

/**
 * May this CALL or SEND be dealt with? `status` is the decision on record, undefined when there is none; `solicited` are
 * the actions that a command of ours has asked for on this connection. [rules 52 to 54, D6]
 */
export function gateCall(
  version: OcppVersion,
  status: RegistrationStatus | undefined,
  action: string,
  solicited: ReadonlySet<string> | undefined
): CallGate {
  if (status === 'accepted' || action === 'BootNotification') return 'open'
  if (status === 'pending') return solicited?.has(action) ? 'open' : 'refused'
  if (status === 'rejected' || version !== '1.6') return 'refused'
  return isTransactionMessage(version, action) || action === 'StatusNotification' ? 'unregistered' : 'refused'
}

const remoteTransactionActions: ReadonlySet<string> = new Set([
  'RemoteStartTransaction',
  'RemoteStopTransaction',
  'RequestStartTransaction',
  'RequestStopTransaction'
])

/** May this command be sent? Undefined when it may, else plain words. [rule 54] */
export function commandObstacle(
  version: OcppVersion,
  status: RegistrationStatus | undefined,
  action: string
): string | undefined {
  if (status === 'accepted' || (status === undefined && version === '1.6')) return undefined
  if (status === 'rejected') {
    return 'the BootNotification of the charge point was rejected: nothing may be sent before one is accepted'
  }
  if (!remoteTransactionActions.has(action)) return undefined
  return 'the BootNotification of the charge point is not accepted yet: no transaction may be started or stopped remotely'
}

/** What TriggerMessage calls otherwise than the action that it brings. */
const triggeredActions: ReadonlyMap<string, string> = new Map([
  ['SignChargePointCertificate', 'SignCertificate'],
  ['SignChargingStationCertificate', 'SignCertificate'],
  ['SignV2GCertificate', 'SignCertificate'],
  ['SignV2G20Certificate', 'SignCertificate'],
  ['SignCombinedCertificate', 'SignCertificate']
])

/** The actions that this command asks the charge point to send, also while it is Pending. [rule 53] */
export function solicitedBy(action: string, payload: unknown): readonly string[] {
  if (action === 'GetBaseReport' || action === 'GetReport') return ['NotifyReport']
  if (action !== 'TriggerMessage' && action !== 'ExtendedTriggerMessage') return []
  if (typeof payload !== 'object' || payload === null || !('requestedMessage' in payload)) return []
  const { requestedMessage } = payload
  if (typeof requestedMessage !== 'string') return []
  // 1.6: the extended trigger asks for the signed kind. [OCPP 1.6 security white paper 4.5]
  if (action === 'ExtendedTriggerMessage' && requestedMessage === 'FirmwareStatusNotification') {
    return [requestedMessage, 'SignedFirmwareStatusNotification']
  }
  return [triggeredActions.get(requestedMessage) ?? requestedMessage]
}
