import { duration, integer, size } from './setting.ts'

/** Every limit that is not a key of its own group: what happens at each is a refusal or back-pressure, never a silent drop. */
export const limits = {
  command_age_max: duration(
    '5m',
    { min: '1s', max: '7d' },
    'How long a command without `expiresAt` may wait for its charge point.'
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
    'Bytes of unanswered CALLs of one charge point before its socket is no longer read.'
  ),
  send_buffer_bytes_max: size(
    '1MiB',
    { min: '1KiB', max: '1GiB' },
    'Bytes that may wait for a charge point that does not read before it is cut.'
  ),
  handshakes_max: integer(1000, { min: 1, max: 100_000 }, 'Handshakes in progress at once; more are refused with 503.'),
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
  refusals_kept_max: integer(1000, { min: 1, max: 1_000_000 }, 'Refused connections kept for diagnosis.'),
  api_readers_max: integer(100, { min: 1, max: 10_000 }, 'Event streams open at once; more are refused with 503.'),
  api_reader_buffer_bytes_max: size(
    '4MiB',
    { min: '64KiB', max: '1GiB' },
    'Bytes that may wait for a slow reader of the event stream before it is cut.'
  ),
  api_page_events_max: integer(1000, { min: 1, max: 100_000 }, 'Most events in one page of `GET /v1/events`.'),
  api_request_bytes_max: size('1MiB', { min: '1KiB', max: '64MiB' }, 'Largest request body that the API takes.'),
  api_wait_max: duration(
    '60s',
    { min: '1s', max: '10m' },
    'Longest time that a request may wait for an outcome (`Prefer: wait`).'
  )
} as const
