import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { unified } from '../../src/events/unify.ts'
import { loadSchemas, type PayloadSchema } from '../../src/protocol/schemas.ts'
import { type OcppVersion, ocppVersions } from '../../src/protocol/version.ts'
import { knownValues } from './support.ts'

test('a word of OCPP becomes lower snake case, abbreviations whole', () => {
  const words = {
    SuspendedEVSE: 'suspended_evse',
    EVConnected: 'ev_connected',
    InstallRebooting: 'install_rebooting',
    AC_BPT_DER: 'ac_bpt_der',
    SoCLimitReached: 'soc_limit_reached',
    SOCLimitReached: 'soc_limit_reached',
    InvalidTLSCipherSuite: 'invalid_tls_cipher_suite',
    FailedToAuthenticateAtCsms: 'failed_to_authenticate_at_csms',
    'a word of theirs': 'a_word_of_theirs',
    '': ''
  }
  for (const [raw, word] of Object.entries(words)) strictEqual(unified(raw), word)
})

/** The list of words at a path of a request's schema; empty when this version has no such member. */
function wordsAt(version: OcppVersion, action: string, path: readonly string[]): readonly string[] {
  const root = loadSchemas(version).find((one) => one.action === action && one.part === 'request')?.schema
  let at: PayloadSchema | undefined = root
  for (const name of path) {
    at = at?.properties?.[name] ?? at?.items?.properties?.[name]
    if (at?.$ref) at = root?.definitions?.[at.$ref.replace('#/definitions/', '')]
    if (at?.items?.$ref) at = root?.definitions?.[at.items.$ref.replace('#/definitions/', '')]
  }
  return (at?.enum ?? []) as readonly string[]
}

const unifiedMembers: readonly (readonly [type: string, member: string, action: string, ...path: string[]])[] = [
  ['charge_point.booted', 'reason', 'BootNotification', 'reason'],
  ['connector.status_changed', 'status', 'StatusNotification', 'connectorStatus'],
  ['transaction.updated', 'trigger', 'TransactionEvent', 'triggerReason'],
  ['transaction.updated', 'chargingState', 'TransactionEvent', 'transactionInfo', 'chargingState'],
  ['transaction.updated', 'operationMode', 'TransactionEvent', 'transactionInfo', 'operationMode'],
  ['transaction.updated', 'preconditioningStatus', 'TransactionEvent', 'preconditioningStatus'],
  ['transaction.ended', 'reason', 'TransactionEvent', 'transactionInfo', 'stoppedReason'],
  ['transaction.ended', 'reason', 'StopTransaction', 'reason'],
  ['firmware.status_changed', 'status', 'FirmwareStatusNotification', 'status'],
  ['firmware.status_changed', 'status', 'SignedFirmwareStatusNotification', 'status'],
  ['firmware.publication_status_changed', 'status', 'PublishFirmwareStatusNotification', 'status'],
  ['diagnostics.status_changed', 'status', 'DiagnosticsStatusNotification', 'status'],
  ['diagnostics.status_changed', 'status', 'LogStatusNotification', 'status'],
  ['certificate.requested', 'certificateType', 'SignCertificate', 'certificateType'],
  ['certificate.requested', 'action', 'Get15118EVCertificate', 'action'],
  ['reservation.status_changed', 'status', 'ReservationStatusUpdate', 'reservationUpdateStatus'],
  ['monitoring.event', 'trigger', 'NotifyEvent', 'eventData', 'trigger'],
  ['monitoring.event', 'notificationType', 'NotifyEvent', 'eventData', 'eventNotificationType'],
  ['charging.limit_cleared', 'source', 'ClearedChargingLimit', 'chargingLimitSource'],
  ['payment.settled', 'status', 'NotifySettlement', 'status'],
  ['der.alarm', 'gridEventFault', 'NotifyDERAlarm', 'gridEventFault'],
  ['battery.swapped', 'event', 'BatterySwap', 'eventType']
]

test('the known values of the schemas are what the words of every version become', () => {
  for (const [type, member, action, ...path] of unifiedMembers) {
    const words = ocppVersions.flatMap((version) => wordsAt(version, action, path))
    ok(words.length > 0, `${action} ${path.join('.')} has no list of words in any version`)
    const known = knownValues(type, member)
    deepStrictEqual(
      words.map(unified).filter((word) => !known.includes(word)),
      [],
      `${type}.${member}`
    )
  }
})
