/**
 * Why a connection ends: the one table that code, metrics, logs, API and docs use. `wsCode` is sent in the close
 * frame (undefined: the socket is gone or must be cut); `retry` says whether the charge point should come back.
 */
export const closeReasons = {
  closed_by_charge_point: { wsCode: undefined, retry: true, text: 'the charge point closed the connection' },
  connection_lost: { wsCode: undefined, retry: true, text: 'the connection broke without a close frame' },
  idle_timeout: { wsCode: undefined, retry: true, text: 'nothing was heard within server.idle_timeout' },
  replaced: { wsCode: 1000, retry: false, text: 'a newer connection of the same charge point took over' },
  taken_for_lost: {
    wsCode: 1012,
    retry: true,
    text: 'the gateway node stood still, or was cut off, for so long that another one told this connection as lost'
  },
  replacement_failed: {
    wsCode: 1012,
    retry: true,
    text: 'a newer handshake of the same charge point had taken over, and never became a connection'
  },
  disconnected_by_operator: { wsCode: 1000, retry: true, text: 'an operator closed the connection through the API' },
  revoked: { wsCode: 1008, retry: false, text: 'the charge point was removed from the allow-list' },
  shutting_down: { wsCode: 1001, retry: true, text: 'the gateway is stopping' },
  bad_frames: { wsCode: 1008, retry: true, text: 'too many unusable frames in a row (limits.bad_frames_max)' },
  binary_frame: { wsCode: 1003, retry: true, text: 'OCPP-J is text; a binary frame has no meaning' },
  payload_too_big: { wsCode: 1009, retry: true, text: 'a message was larger than server.payload_bytes_max' },
  too_many_fragments: { wsCode: 1008, retry: true, text: 'a message came in more fragments than the gateway joins' },
  inbox_full: {
    wsCode: 1008,
    retry: true,
    text: 'more arrived at once than is kept while reading is paused (limits.inbox_bytes_max)'
  },
  invalid_utf8: { wsCode: 1007, retry: true, text: 'a text frame was not valid UTF-8' },
  protocol_error: {
    wsCode: 1002,
    retry: true,
    text: 'a WebSocket frame broke RFC 6455 (reserved bits, masking, length)'
  },
  not_reading: {
    wsCode: undefined,
    retry: true,
    text: 'the charge point did not read what was sent to it (limits.send_buffer_bytes_max)'
  },
  internal_error: { wsCode: 1011, retry: true, text: 'the gateway failed while handling this connection; see its log' }
} as const satisfies Record<string, { wsCode: number | undefined; retry: boolean; text: string }>

export type CloseReason = keyof typeof closeReasons
