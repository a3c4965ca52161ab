import { closeReasons } from '../session/close-reasons.ts'
import { type ProblemCode, problemBody, problems } from './problems.ts'

/** A JSON Schema, as Fastify, Ajv and OpenAPI 3.1 take it. */
export type JsonSchema = Readonly<Record<string, unknown>>

export function ref(name: string): JsonSchema {
  return { $ref: `${name}#` }
}

const text = { type: 'string' } as const
const time = { type: 'string', format: 'date-time', examples: ['2026-11-23T10:00:00.123Z'] } as const
const count = { type: 'integer', minimum: 0 } as const
const version = { type: 'string', enum: ['1.6', '2.0.1', '2.1'] } as const
const anything = {} as const

function record(required: readonly string[], properties: JsonSchema, more: JsonSchema = {}): JsonSchema {
  return { type: 'object', required, properties, ...more }
}

export const idText = { type: 'string', minLength: 1, maxLength: 255 } as const

const connection = record(['epoch', 'node', 'version', 'remoteAddress', 'connectedAt'], {
  epoch: count,
  node: text,
  version,
  remoteAddress: text,
  connectedAt: time,
  disconnectedAt: time,
  durationMs: count,
  reason: {
    ...text,
    description: `Why it ended: ${[...Object.keys(closeReasons), 'node_lost'].map((name) => `\`${name}\``).join(', ')}.`
  },
  reasonText: { ...text, description: 'The reason in plain words.' }
})

const chargePointProperties = {
  id: text,
  connected: { type: 'boolean' },
  version,
  epoch: count,
  node: text,
  vendor: text,
  model: text,
  firmware: text,
  serialNumber: text,
  registration: record(['status', 'intervalS', 'decidedAt'], {
    status: { type: 'string', enum: ['accepted', 'pending', 'rejected'] },
    intervalS: { type: 'number' },
    decidedAt: time
  }),
  connectedAt: time,
  lastSeenAt: time,
  remoteAddress: text,
  queuedCalls: count,
  lastDisconnect: {
    ...record(['at', 'reason', 'text'], { at: time, reason: text, text }),
    description: 'How its last connection ended; absent while that is not known.'
  }
} as const

const commandProperties = {
  id: text,
  chargePointId: text,
  type: text,
  data: anything,
  priority: { type: 'string', enum: ['high', 'normal'] },
  timeoutMs: count,
  expiresAt: time,
  requestedBy: text,
  requestedAt: time,
  node: text,
  epoch: count,
  state: { type: 'string', enum: ['queued', 'written', 'settled'] },
  writtenAt: time,
  settledAt: time,
  outcome: { type: 'string', enum: ['accepted', 'rejected', 'call_error', 'not_sent', 'unknown'] },
  reason: text,
  detail: text,
  status: { ...text, description: "The charge point's own word." },
  response: anything,
  error: record(['code', 'description', 'details'], { code: text, description: text, details: anything })
} as const

export const exampleCommand = {
  id: 'c-1',
  chargePointId: 'CP-001',
  type: 'ocpp.call',
  data: { action: 'Reset', payload: { type: 'Soft' } },
  priority: 'normal',
  timeoutMs: 30_000,
  expiresAt: '2026-11-23T10:05:00.000Z',
  requestedBy: 'backend',
  requestedAt: '2026-11-23T10:00:00.000Z',
  node: 'gw-0',
  state: 'settled',
  writtenAt: '2026-11-23T10:00:00.012Z',
  settledAt: '2026-11-23T10:00:00.480Z',
  outcome: 'accepted',
  status: 'Accepted',
  response: { status: 'Accepted' }
} as const

export const exampleEvent = {
  specversion: '1.0',
  id: '019ab3c4-7c1e-7f00-8a3b-3f2f6f0d9a10',
  source: '/charge-points/CP-001',
  type: 'connector.status_changed',
  subject: 'CP-001',
  partitionkey: 'CP-001',
  time: '2026-11-23T10:00:00.123Z',
  datacontenttype: 'application/json',
  node: 'gw-0',
  ocppversion: '1.6',
  epoch: 217591200,
  sequence: '0217591200-0000000003',
  data: { evse: { id: 1, connectorId: 1 }, status: 'available', rawStatus: 'Available' }
} as const

export const exampleCursor = 'NDJAMDE5YWIzYzQ'

/** Schemas that several routes share; `$id` is their name in the OpenAPI document. */
export const sharedSchemas: readonly JsonSchema[] = [
  {
    $id: 'Problem',
    ...record(['type', 'title', 'status', 'code', 'remedy'], {
      type: { type: 'string', format: 'uri-reference' },
      title: text,
      status: { type: 'integer' },
      code: { type: 'string', enum: Object.keys(problems) },
      detail: { ...text, description: 'What was wrong with this request.' },
      remedy: { ...text, description: 'What to do about it.' },
      oldest: { ...text, description: 'With `cursor_trimmed`: the cursor of the oldest event kept.' },
      reasons: { type: 'array', items: text, description: 'With `not_ready`: why.' },
      dependencies: { type: 'array', items: ref('Dependency') },
      command: ref('Command')
    }),
    description: 'RFC 9457.'
  },
  { $id: 'ChargePoint', ...record(['id', 'connected', 'version', 'epoch'], chargePointProperties) },
  {
    $id: 'ChargePointWithHistory',
    ...record(['id', 'connected', 'version', 'epoch', 'connections'], {
      ...chargePointProperties,
      connections: { type: 'array', items: connection, description: 'Newest first.' }
    })
  },
  {
    $id: 'Command',
    ...record(['id', 'chargePointId', 'type', 'data', 'state', 'requestedBy', 'requestedAt'], commandProperties)
  },
  {
    $id: 'Transaction',
    ...record(['chargePointId', 'transactionId', 'version', 'state', 'updatedAt'], {
      chargePointId: text,
      transactionId: text,
      version,
      epoch: count,
      state: { type: 'string', enum: ['open', 'ended'] },
      startKey: text,
      startedEventId: text,
      endedEventId: text,
      evse: record(['id'], { id: count, connectorId: count }),
      idToken: record(['value'], { value: text, type: text }),
      startedAt: record(['raw'], { raw: text, utc: text, skewMs: { type: 'number' } }),
      endedAt: record(['raw'], { raw: text, utc: text, skewMs: { type: 'number' } }),
      meterStartWh: { type: 'number' },
      meterStopWh: { type: 'number' },
      authorization: record(['status'], { status: text, expiresAt: text, parentIdToken: { type: 'object' } }),
      updatedAt: time
    })
  },
  {
    $id: 'Event',
    ...record(['specversion', 'id', 'source', 'type', 'time', 'data'], {
      specversion: { const: '1.0' },
      id: text,
      source: text,
      type: text,
      subject: text,
      time,
      data: { type: 'object', description: 'By type: GET /v1/schemas/{type}.' }
    }),
    description: 'A CloudEvents 1.0 envelope.',
    examples: [exampleEvent]
  },
  {
    $id: 'Consumer',
    ...record(['name', 'cursor', 'required', 'overtaken', 'updatedAt', 'behind'], {
      name: text,
      cursor: { ...text, description: 'Read on with `GET /v1/events?after=`.' },
      required: { type: 'boolean', description: 'True: it holds the log.' },
      overtaken: { type: 'boolean', description: 'True: events after its cursor are gone, reading there answers 410.' },
      behind: { ...count, description: 'Events after its cursor.' },
      updatedAt: time
    })
  },
  {
    $id: 'Dependency',
    ...record(['name', 'state', 'since'], {
      name: text,
      state: { type: 'string', enum: ['up', 'degraded', 'down'] },
      since: time,
      detail: text
    })
  }
]

/** One JSON answer in a `response` map. */
export function answer(
  description: string,
  schema: JsonSchema,
  example: unknown,
  headers: JsonSchema = {}
): JsonSchema {
  return {
    description,
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    content: { 'application/json': { schema, examples: { example: { value: example } } } }
  }
}

/** Problems that any route under `/v1` may answer with. */
const everywhere: readonly ProblemCode[] = [
  'invalid_request',
  'unauthorized',
  'cross_site_refused',
  'host_refused',
  'internal_error',
  'unavailable',
  'registry_unavailable',
  'shutting_down'
]

/** The problem answers of a route, one for each status, as part of its `response` map. */
export function problemAnswers(...codes: readonly ProblemCode[]): Readonly<Record<string, JsonSchema>> {
  const byStatus = Map.groupBy([...new Set([...everywhere, ...codes])], (code) => problems[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      String(status),
      {
        description: group.map((code) => `\`${code}\`: ${problems[code].title}.`).join(' '),
        content: {
          'application/problem+json': {
            schema: ref('Problem'),
            examples: Object.fromEntries(group.map((code) => [code, { value: problemBody(code, undefined) }]))
          }
        }
      }
    ])
  )
}
