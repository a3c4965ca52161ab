/**
 * Why a connection is refused before the upgrade: HTTP status, whether coming back may help, one plain line. The one
 * table that server, events, API and docs use. [OCPP-J 1.6 3.2, D1]
 */
export const refusals = {
  no_such_path: {
    status: 404,
    retry: false,
    text: 'charge points connect to ws://HOST:PORT{server.path}/{charge point id}'
  },
  no_identity: { status: 404, retry: false, text: 'the URL ends without a charge point id' },
  bad_identity: { status: 400, retry: false, text: 'the charge point id in the URL is not usable' },
  not_a_websocket: { status: 426, retry: false, text: 'this address takes WebSocket upgrades only' },
  bad_upgrade: { status: 400, retry: false, text: 'the WebSocket upgrade request is malformed' },
  no_subprotocol: {
    status: 400,
    retry: false,
    text: 'no Sec-WebSocket-Protocol was offered; set server.default_version to take such stations'
  },
  unsupported_subprotocol: {
    status: 400,
    retry: false,
    text: 'none of the offered sub-protocols is spoken here: ocpp1.6, ocpp2.0.1, ocpp2.1'
  },
  unknown_charge_point: { status: 404, retry: true, text: 'the charge point is not on the allow-list' },
  too_many_connections: { status: 503, retry: true, text: 'server.connections_max is reached' },
  shutting_down: { status: 503, retry: true, text: 'the gateway is stopping' },
  not_available: { status: 503, retry: true, text: 'the gateway cannot admit connections now' },
  handshake_timeout: { status: 408, retry: true, text: 'the request did not arrive within server.handshake_timeout' },
  internal_error: { status: 500, retry: true, text: 'the gateway failed while handling this request; see its log' }
} as const satisfies Record<string, { status: number; retry: boolean; text: string }>

export type RefusalCode = keyof typeof refusals

export interface Refusal {
  readonly code: RefusalCode
  /** Plain words beyond the table's text: what was offered, which character is bad. */
  readonly detail?: string
}
