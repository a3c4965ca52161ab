interface Problem {
  readonly status: number
  readonly title: string
  /** What the caller can do about it. */
  readonly remedy: string
}

/** Every problem that the API answers with (RFC 9457), once: code, OpenAPI and docs are made of this table. */
export const problems = {
  invalid_request: {
    status: 400,
    title: 'The request cannot be understood',
    remedy: 'Correct what `detail` names; /openapi.json has the form of every request.'
  },
  cursor_unreadable: {
    status: 400,
    title: 'The cursor is not one of ours',
    remedy: 'Give a cursor exactly as an answer gave it, or none to begin at the oldest event kept.'
  },
  command_invalid: {
    status: 400,
    title: 'This is not a command',
    remedy: 'Correct what `detail` names. Nothing was created, so the id is still free.'
  },
  unauthorized: {
    status: 401,
    title: 'A valid token is needed',
    remedy: 'Send `Authorization: Bearer TOKEN` with one of `api.tokens` (for /metrics: `api.metrics_token`).'
  },
  cross_site_refused: {
    status: 403,
    title: 'Requests of other web sites are refused',
    remedy: 'Call the API from a program or from its own pages, or set `api.tokens`.'
  },
  host_refused: {
    status: 403,
    title: 'The Host header names another machine',
    remedy: 'Without `api.tokens` the API answers to localhost alone; set tokens to reach it by another name.'
  },
  not_found: { status: 404, title: 'There is no such route', remedy: 'See /docs for all routes.' },
  charge_point_unknown: {
    status: 404,
    title: 'This charge point was never seen',
    remedy: 'Compare the id with GET /v1/charge-points; it is percent-encoded in paths and its case matters.'
  },
  command_unknown: {
    status: 404,
    title: 'There is no such command',
    remedy: 'It was never accepted, or was forgotten after `limits.command_memory`.'
  },
  consumer_unknown: {
    status: 404,
    title: 'There is no such consumer',
    remedy: 'Create it with PUT /v1/consumers/{name} and a cursor; GET /v1/consumers lists those that exist.'
  },
  schema_unknown: {
    status: 404,
    title: 'There is no schema of this name',
    remedy: 'GET /v1/schemas lists all of them.'
  },
  problem_unknown: {
    status: 404,
    title: 'There is no problem of this code',
    remedy: 'GET /v1/problems lists all of them.'
  },
  charge_point_offline: {
    status: 409,
    title: 'The charge point is not connected',
    remedy: 'There is nothing to close; GET /v1/charge-points/{id} says when and why its last connection ended.'
  },
  command_id_conflict: {
    status: 409,
    title: 'The command id belongs to another command',
    remedy: 'Use a new id for a new command; repeat the same id with the same body and charge point only.'
  },
  command_too_late: {
    status: 409,
    title: 'The command can no longer be cancelled',
    remedy: 'It was written to the charge point or is settled; `command` says how it stands.'
  },
  consumer_required: {
    status: 409,
    title: 'The consumer is required by the configuration',
    remedy: 'Take it out of `event_log.required_consumers` first.'
  },
  consumers_exhausted: {
    status: 409,
    title: 'There are as many consumers as allowed',
    remedy: 'Delete one that is no longer used, or raise `limits.api_consumers_max`.'
  },
  cursor_of_another_log: {
    status: 409,
    title: 'The cursor belongs to another event log',
    remedy: 'Begin without a cursor, or ask the node that gave it; GET /v1/node names the log of this one.'
  },
  cursor_trimmed: {
    status: 410,
    title: 'Events after this cursor are no longer kept',
    remedy:
      'Go on from `oldest`; what lay between is gone. Raise `event_log.retention` or name the consumer in `event_log.required_consumers`.'
  },
  request_too_large: {
    status: 413,
    title: 'The request body is too large',
    remedy: 'Send less, or raise `limits.api_request_bytes_max`.'
  },
  media_type_unsupported: {
    status: 415,
    title: 'The body has to be JSON',
    remedy: 'Send `Content-Type: application/json`.'
  },
  internal_error: {
    status: 500,
    title: 'The gateway failed while handling this request',
    remedy: 'See its log; repeating the request is safe when it carries a command id.'
  },
  unavailable: {
    status: 503,
    title: 'The gateway cannot do this now',
    remedy: 'Try again; GET /health/ready says what is wrong.'
  },
  commands_unavailable: {
    status: 503,
    title: 'Commands cannot be accepted now',
    remedy: 'No command exists; send it again, with the same id if it had one.'
  },
  registry_unavailable: {
    status: 503,
    title: 'Redis cannot be used for this now',
    remedy:
      'Nothing was changed and no command was sent; try again, a command with the same id if it had one. Redis may have taken the command without being able to say so: then it ends as `not_sent`. GET /health/ready says what is wrong with Redis.'
  },
  readers_exhausted: {
    status: 503,
    title: 'As many event streams are open as allowed',
    remedy: 'Close one, poll pages instead, or raise `limits.api_readers_max`.'
  },
  not_ready: {
    status: 503,
    title: 'The gateway is not ready for charge points',
    remedy: '`reasons` says why; it recovers by itself when they are gone.'
  },
  shutting_down: {
    status: 503,
    title: 'The gateway is stopping',
    remedy: 'Try again when it has been started; streams resume from their last cursor.'
  }
} as const satisfies Record<string, Problem>

export type ProblemCode = keyof typeof problems

/** A problem as the body of an answer. `members` go beside the standard ones. */
export function problemBody(
  code: ProblemCode,
  detail: string | undefined,
  members: Readonly<Record<string, unknown>> = {}
): Readonly<Record<string, unknown>> {
  const { status, title, remedy } = problems[code]
  return { type: `/v1/problems/${code}`, title, status, code, ...(detail ? { detail } : {}), remedy, ...members }
}

/** The catalogue as a page of the documentation. */
export function problemsMarkdown(): string {
  const rows = Object.entries(problems).map(
    ([code, { status, title, remedy }]) => `| \`${code}\` | ${status} | ${title} | ${remedy} |`
  )
  return [
    '# Problems of the HTTP API',
    '',
    'Errors are `application/problem+json` (RFC 9457); programs look at `code`. Generated from `src/api/problems.ts`.',
    '',
    '| code | status | what | what to do |',
    '|---|---|---|---|',
    ...rows,
    ''
  ].join('\n')
}
