import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { readUpgrade } from '../../src/server/upgrade-request.ts'

const good = {
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'ocpp2.0.1'
}
const settings = { path: '/ocpp', compression: true }

function read(headers: object, request: object = {}, more: object = {}): ReturnType<typeof readUpgrade> {
  const all = { method: 'GET', url: '/ocpp/CP-1', headers: { ...good, ...headers }, ...request }
  return readUpgrade(all, { ...settings, ...more })
}

function codeOf(result: ReturnType<typeof readUpgrade>): string | undefined {
  return result.ok ? undefined : result.refusal.code
}

test('a good request is read', () => {
  deepStrictEqual(read({ upgrade: 'WebSocket' }), {
    ok: true,
    chargePointId: 'CP-1',
    version: '2.0.1',
    subprotocol: 'ocpp2.0.1',
    deflateOffer: undefined
  })
})

test('what is no WebSocket upgrade is told so', () => {
  strictEqual(codeOf(read({ upgrade: undefined })), 'not_a_websocket')
  strictEqual(codeOf(read({ upgrade: 'h2c' })), 'not_a_websocket')
  strictEqual(codeOf(read({}, { method: 'POST' })), 'not_a_websocket')
})

test('a malformed upgrade is told what is wrong', () => {
  strictEqual(codeOf(read({ 'sec-websocket-version': '8' })), 'bad_upgrade')
  strictEqual(codeOf(read({ 'sec-websocket-version': undefined })), 'bad_upgrade')
  strictEqual(codeOf(read({ 'sec-websocket-key': undefined })), 'bad_upgrade')
  strictEqual(codeOf(read({ 'sec-websocket-key': 'short==' })), 'bad_upgrade')
})

test('a refusal names the charge point as soon as it is known', () => {
  const result = read({ 'sec-websocket-protocol': 'ocpp1.5' })
  deepStrictEqual([result.ok, result.chargePointId], [false, 'CP-1'])
  strictEqual(codeOf(read({}, { url: '/ocpp/a:b' })), 'bad_identity')
})

test('compression is taken for 2.x when it is offered and switched on, never for 1.6 (D10)', () => {
  const offer = { 'sec-websocket-extensions': 'permessage-deflate' }
  const offerOf = (result: ReturnType<typeof readUpgrade>) => (result.ok ? result.deflateOffer : 'refused')
  strictEqual(offerOf(read(offer)), 'permessage-deflate')
  strictEqual(offerOf(read({ ...offer, 'sec-websocket-protocol': 'ocpp2.1' })), 'permessage-deflate')
  strictEqual(offerOf(read({ ...offer, 'sec-websocket-protocol': 'ocpp1.6' })), undefined)
  strictEqual(offerOf(read(offer, {}, { compression: false })), undefined)
})
