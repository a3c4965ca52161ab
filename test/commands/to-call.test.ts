import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { outcomeOf } from '../../src/commands/outcome.ts'
import { defaultPriority, toCall } from '../../src/commands/to-call.ts'
import { type OcppVersion, ocppVersions } from '../../src/protocol/version.ts'

function refused(version: OcppVersion, type: string, data: unknown): { reason: string; detail: string } {
  const call = toCall(version, type, data)
  if (call.ok) throw new Error('it was not refused')
  return { reason: call.reason, detail: call.detail }
}

test('a raw call with a valid payload becomes the CALL as it stands', () => {
  const payload = { type: 'Soft' }
  deepStrictEqual(toCall('1.6', 'ocpp.call', { action: 'Reset', payload }), { ok: true, action: 'Reset', payload })
})

test('a raw call without payload has an empty one', () => {
  const call = toCall('1.6', 'ocpp.call', { action: 'ClearCache' })
  deepStrictEqual(call, { ok: true, action: 'ClearCache', payload: {} })
})

test('an action of another version is unsupported, and the detail names the versions that have it', () => {
  const { reason, detail } = refused('1.6', 'ocpp.call', { action: 'GetVariables', payload: {} })
  strictEqual(reason, 'unsupported')
  match(detail, /2\.0\.1 and 2\.1/)
})

for (const action of ['Heartbeat', 'NotifyPeriodicEventStream', 'reset', 'constructor', '__proto__']) {
  test(`${action} is nothing that a central system may send: unsupported in every version`, () => {
    for (const version of ocppVersions) strictEqual(refused(version, 'ocpp.call', { action }).reason, 'unsupported')
  })
}

test('a bad payload is invalid, and the detail names the path and what to do', () => {
  const { reason, detail } = refused('2.0.1', 'ocpp.call', { action: 'Reset', payload: { type: 'Hard' } })
  strictEqual(reason, 'invalid')
  match(detail, /\/type .*correct it and send the command anew/)
})

test('data that is no raw call is invalid, whatever it is', () => {
  for (const data of [undefined, null, 5, 'Reset', [], {}, { action: 7 }, { action: '' }]) {
    strictEqual(refused('1.6', 'ocpp.call', data).reason, 'invalid')
  }
})

test('a null payload of a raw call is an empty one, an array is invalid', () => {
  strictEqual(toCall('1.6', 'ocpp.call', { action: 'ClearCache', payload: null }).ok, true)
  strictEqual(refused('1.6', 'ocpp.call', { action: 'ClearCache', payload: [] }).reason, 'invalid')
})

test('an unknown type is invalid and has no default priority', () => {
  strictEqual(refused('1.6', 'make.coffee', {}).reason, 'invalid')
  strictEqual(defaultPriority('make.coffee', {}), undefined)
})

test('start, stop, unlock and reset go first by default, the rest does not', () => {
  const high = [
    'RemoteStartTransaction',
    'RemoteStopTransaction',
    'RequestStartTransaction',
    'RequestStopTransaction',
    'UnlockConnector',
    'Reset'
  ]
  for (const action of high) strictEqual(defaultPriority('ocpp.call', { action }), 'high')
  for (const action of ['GetConfiguration', 'GetVariables', 'Nonsense', undefined]) {
    strictEqual(defaultPriority('ocpp.call', { action }), 'normal')
  }
})

const accepted: readonly (readonly [OcppVersion, string, unknown, string, string?])[] = [
  ['1.6', 'Reset', { status: 'Accepted' }, 'accepted', 'Accepted'],
  ['1.6', 'Reset', { status: 'Rejected' }, 'rejected', 'Rejected'],
  ['1.6', 'ChangeConfiguration', { status: 'RebootRequired' }, 'accepted', 'RebootRequired'],
  ['1.6', 'ChangeConfiguration', { status: 'NotSupported' }, 'rejected', 'NotSupported'],
  ['1.6', 'UnlockConnector', { status: 'Unlocked' }, 'accepted', 'Unlocked'],
  ['1.6', 'ChangeAvailability', { status: 'Scheduled' }, 'accepted', 'Scheduled'],
  ['1.6', 'GetConfiguration', {}, 'accepted'],
  ['1.6', 'UpdateFirmware', {}, 'accepted'],
  ['2.0.1', 'Reset', { status: 'Scheduled' }, 'accepted', 'Scheduled'],
  ['2.0.1', 'GetLog', { status: 'AcceptedCanceled' }, 'accepted', 'AcceptedCanceled'],
  ['2.0.1', 'UnpublishFirmware', { status: 'DownloadOngoing' }, 'rejected', 'DownloadOngoing'],
  ['2.1', 'GetTariffs', { status: 'NoTariff' }, 'rejected', 'NoTariff'],
  ['2.1', 'SetVariables', { setVariableResult: [] }, 'accepted']
]
for (const [version, action, response, outcome, status] of accepted) {
  test(`${version} ${action} answered ${JSON.stringify(response)} is ${outcome}`, () => {
    deepStrictEqual(outcomeOf(version, action, response), status === undefined ? { outcome } : { outcome, status })
  })
}
