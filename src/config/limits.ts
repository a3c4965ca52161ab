import { duration, integer, size } from './setting.ts'

/** Every limit that is not a key of its own group: what happens at each is a refusal or back-pressure, never a silent drop. */
export const limits = {
  command_age_max: duration(
    '5m',
    { min: '1s', max: '7d' },
    'How long a command without `expiresAt` may wait for its charge point.'
  ),
  command_timeout_max: duration(
    '10m',
    { min: '1s', max: '24h' },
    'Longest time that a command may give its charge point to answer (`timeoutMs`).'
  ),
  command_expiry_max: duration(
    '7d',
    { min: '1s', max: '90d' },
    'Longest time that a command may wait to be sent (`expiresAt`).'
  ),
  commands_open_max: integer(
    10_000,
    { min: 1, max: 1_000_000 },
    'Commands of this node that are not settled, those of the topic too; with so many, more by HTTP are refused with 503. The topic is not held up by it: `session.queue_calls_max` bounds its commands, for each charge point.'
  ),
  command_memory: duration(
    '24h',
    { min: '1m', max: '90d' },
    'How long a settled command is remembered, so that its id never runs twice.'
  ),
  bad_frames_max: integer(10, { min: 1, max: 10_000 }, 'Unusable frames in a row after which a connection is closed.'),
  calls_in_flight_max: integer(
    32,
    { min: 1, max: 10_000 },
    'CALLs of one charge point that may wait for their answer before its socket is no longer read.'
  ),
  inbox_bytes_max: size(
    '1MiB',
    { min: '1KiB', max: '1GiB' },
    'Bytes of messages that may have been read already when a charge point is no longer read, beside one of `server.payload_bytes_max`.'
  ),
  send_buffer_bytes_max: size(
    '1MiB',
    { min: '1KiB', max: '1GiB' },
    'Bytes that may wait for a charge point that does not read before it is cut.'
  ),
  adoptions_per_second_max: integer(
    2000,
    { min: 1, max: 1_000_000 },
    'Sessions a second that are registered anew after Redis was away or emptied.'
  ),
  handshakes_max: integer(1000, { min: 1, max: 100_000 }, 'Handshakes in progress at once; more wait their turn.'),
  replay_answers_max: integer(
    64,
    { min: 1, max: 10_000 },
    'Answers kept for each connection, to repeat them for a repeated CALL.'
  ),
  open_transactions_max: integer(64, { min: 1, max: 10_000 }, 'Open transactions remembered for each charge point.'),
  ended_transactions_max: integer(
    16,
    { min: 1, max: 10_000 },
    'Ended transactions remembered for each charge point, to tell repeats.'
  ),
  violations_per_minute_max: integer(
    6,
    { min: 1, max: 10_000 },
    'Events `protocol.violation` for each connection and minute; more are only counted.'
  ),
  takeovers_max: integer(
    10,
    { min: 1, max: 10_000 },
    'Takeovers of one identity in ten minutes above which it counts as shared by two charge points.'
  ),
  refusals_per_minute_max: integer(
    60,
    { min: 1, max: 100_000 },
    'Events `connection.refused` and log lines about refusals a minute; more are only counted.'
  ),
  log_buffer_bytes_max: size(
    '4MiB',
    { min: '1KiB', max: '1GiB' },
    'Log lines that may wait for an output that does not keep up; more are dropped and counted.'
  ),
  api_connections_max: integer(1000, { min: 1, max: 100_000 }, 'Connections to the API open at once.'),
  api_consumers_max: integer(100, { min: 1, max: 10_000 }, 'Named consumers; more are refused.'),
  api_reader_stall_max: duration(
    '30s',
    { min: '1s', max: '1h' },
    'How long a reader of the event stream may take nothing of what waits for it before it is cut.'
  ),
  api_readers_max: integer(100, { min: 1, max: 10_000 }, 'Event streams open at once; more are refused with 503.'),
  api_reader_buffer_bytes_max: size(
    '256KiB',
    { min: '64KiB', max: '1GiB' },
    'Bytes in memory for one reader of the event stream; the log is read no further until it takes them.'
  ),
  api_page_events_max: integer(1000, { min: 1, max: 100_000 }, 'Most entries in one page of the API.'),
  api_request_bytes_max: size('1MiB', { min: '1KiB', max: '64MiB' }, 'Largest request body that the API takes.'),
  api_wait_max: duration(
    '60s',
    { min: '1s', max: '10m' },
    'Longest time that a request may wait for an outcome (`Prefer: wait`).'
  )
} as const
