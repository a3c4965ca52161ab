import { frame, upgradeText } from './raw-client.ts'

/** Handshakes that no charge point should make, and what they are refused as. */
export const badRequests: readonly (readonly [what: string, request: string | Buffer, status: number, code: string])[] =
  [
    ['an id that cannot be decoded', upgradeText('/ocpp/%ZZ'), 400, 'bad_identity'],
    ['an id with NUL', upgradeText('/ocpp/%00'), 400, 'bad_identity'],
    ['no id', upgradeText('/ocpp/'), 404, 'no_identity'],
    ['another path', upgradeText('/'), 404, 'no_such_path'],
    ['no sub-protocol', upgradeText('/ocpp/X', { 'Sec-WebSocket-Protocol': undefined }), 400, 'no_subprotocol'],
    [
      'a wrong sub-protocol',
      upgradeText('/ocpp/X', { 'Sec-WebSocket-Protocol': 'mqtt' }),
      400,
      'unsupported_subprotocol'
    ],
    [
      'a malformed sub-protocol',
      upgradeText('/ocpp/X', { 'Sec-WebSocket-Protocol': '"(' }),
      400,
      'unsupported_subprotocol'
    ],
    ['no key', upgradeText('/ocpp/X', { 'Sec-WebSocket-Key': undefined }), 400, 'bad_upgrade'],
    ['a short key', upgradeText('/ocpp/X', { 'Sec-WebSocket-Key': 'abc' }), 400, 'bad_upgrade'],
    ['an old version', upgradeText('/ocpp/X', { 'Sec-WebSocket-Version': '8' }), 400, 'bad_upgrade'],
    ['another upgrade', upgradeText('/ocpp/X', { Upgrade: 'h2c' }), 426, 'not_a_websocket'],
    ['an upgrade without Connection', upgradeText('/ocpp/X', { Connection: 'close' }), 426, 'not_a_websocket'],
    ['a browser', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 426, 'not_a_websocket'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 426, 'not_a_websocket'],
    ['an expectation', 'GET / HTTP/1.1\r\nExpect: miracles\r\n\r\n', 426, 'not_a_websocket'],
    ['POST with an upgrade', upgradeText('/ocpp/X').replace('GET', 'POST'), 426, 'not_a_websocket'],
    ['POST with a body', 'POST /ocpp/X HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc', 426, 'not_a_websocket'],
    ['CONNECT', 'CONNECT gateway:80 HTTP/1.1\r\nHost: x\r\n\r\n', 426, 'not_a_websocket'],
    ['huge headers', upgradeText('/ocpp/X', { 'X-Padding': 'x'.repeat(64 * 1024) }), 400, 'bad_upgrade'],
    ['a huge URL', upgradeText(`/ocpp/${'x'.repeat(64 * 1024)}`), 400, 'bad_upgrade'],
    ['no HTTP at all', '\u0001\u0002\u0003 hello\r\n\r\n', 400, 'bad_upgrade'],
    ['TLS on the plain port', Buffer.from('16030100050100000100', 'hex'), 400, 'bad_upgrade'],
    ['two Content-Lengths', 'GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400, 'bad_upgrade']
  ]

/** A close frame with this code, among bytes read as Latin-1. */
export function closeFrame(code: number): RegExp {
  return new RegExp(`\\x88.${String.fromCharCode(code >> 8, code & 0xff)}`, 's')
}

/** Frames that break RFC 6455 or our limits, and what their connection ends as; payloads are at most 64 KiB. */
export const badFrames: readonly (readonly [what: string, bytes: Buffer, reason: string, code: number])[] = [
  ['reserved bits (quirk 12)', frame(1, 'x', { rsv: 4 }), 'protocol_error', 1002],
  ['RSV2', frame(1, 'x', { rsv: 2 }), 'protocol_error', 1002],
  ['an unknown opcode', frame(3, 'x'), 'protocol_error', 1002],
  ['an unmasked frame', frame(1, 'x', { masked: false }), 'protocol_error', 1002],
  ['a continuation of nothing', frame(0, 'x'), 'protocol_error', 1002],
  ['a fragmented ping', frame(9, 'x', { fin: false }), 'protocol_error', 1002],
  ['a long ping', frame(9, 'x'.repeat(126)), 'protocol_error', 1002],
  ['a close frame of one byte', frame(8, 'x'), 'protocol_error', 1002],
  ['a close code that does not exist', frame(8, Buffer.from([0, 1])), 'protocol_error', 1002],
  ['a request after the upgrade', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'protocol_error', 1002],
  ['invalid UTF-8', frame(1, Buffer.from([0xc3, 0x28])), 'invalid_utf8', 1007],
  ['a binary frame', frame(2, 'x'), 'binary_frame', 1003],
  ['an oversized frame', frame(1, 'x'.repeat(64 * 1024 + 1)), 'payload_too_big', 1009],
  [
    'a frame of 2^63 bytes',
    Buffer.from([0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
    'payload_too_big',
    1009
  ],
  [
    'an oversized message in fragments',
    Buffer.concat([frame(1, 'x'.repeat(40_000), { fin: false }), frame(0, 'x'.repeat(40_000))]),
    'payload_too_big',
    1009
  ],
  [
    'fragments for ever',
    Buffer.concat([frame(1, '', { fin: false }), ...Array.from({ length: 2000 }, () => frame(0, '', { fin: false }))]),
    'too_many_fragments',
    1008
  ]
]

/** Headers of a handshake that offers compression. */
export const deflating = { 'Sec-WebSocket-Protocol': 'ocpp2.0.1', 'Sec-WebSocket-Extensions': 'permessage-deflate' }
