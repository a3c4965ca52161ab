import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { OcppVersion } from '../../src/protocol/version.ts'
import { chooseSubprotocol } from '../../src/server/subprotocol.ts'

const chosen: readonly (readonly [why: string, header: string, subprotocol: string, version: OcppVersion])[] = [
  ['one', 'ocpp1.6', 'ocpp1.6', '1.6'],
  ['the client’s order, newest first', 'ocpp2.1,ocpp2.0.1,ocpp1.6', 'ocpp2.1', '2.1'],
  ['the client’s order, oldest first', 'ocpp1.6, ocpp2.1', 'ocpp1.6', '1.6'],
  ['unknown ones are skipped (rule 7)', 'ocpp0.1,ocpp1.6', 'ocpp1.6', '1.6'],
  ['several headers, as Node joins them', 'ocpp2.0, ocpp2.0.1', 'ocpp2.0.1', '2.0.1'],
  ['blanks, tabs and empty entries', ' ,\tocpp2.0.1 ,,', 'ocpp2.0.1', '2.0.1'],
  ['one offered twice', 'ocpp1.6,ocpp1.6', 'ocpp1.6', '1.6']
]
for (const [why, header, subprotocol, version] of chosen)
  test(`a sub-protocol is chosen: ${why}`, () =>
    deepStrictEqual(chooseSubprotocol(header, undefined), { ok: true, subprotocol, version }))

for (const header of ['ocpp1.5', 'OCPP1.6', 'ocpp2.0', 'ocpp1.6j', 'constructor', 'x'.repeat(9000)])
  test(`"${header.slice(0, 20)}" is refused, default version or not (rule 8, D1)`, () => {
    for (const version of [undefined, '1.6'] as const) {
      const result = chooseSubprotocol(header, version)
      strictEqual(result.ok, false)
      if (result.ok) return
      strictEqual(result.refusal.code, 'unsupported_subprotocol')
      strictEqual((result.refusal.detail ?? '').length < 300, true)
    }
  })

for (const header of [undefined, '', ' , '])
  test(`no offer (${JSON.stringify(header)}) is refused unless there is a default version (rule 9, quirk 1)`, () => {
    deepStrictEqual(chooseSubprotocol(header, undefined), { ok: false, refusal: { code: 'no_subprotocol' } })
    deepStrictEqual(chooseSubprotocol(header, '1.6'), { ok: true, version: '1.6', subprotocol: '' })
  })
