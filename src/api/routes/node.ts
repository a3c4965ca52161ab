import type { FastifyInstance } from 'fastify'
import type { DependencyState } from '../../gateway/views.ts'
import { isoTime, sendProblem } from '../answer.ts'
import { encodeCursor, oldestCursor } from '../cursor.ts'
import type { EventReaders } from '../event-readers.ts'
import type { ApiParts } from '../parts.ts'
import { answer, exampleCursor, problemAnswers, ref } from '../schemas.ts'

const text = { type: 'string' } as const
const count = { type: 'integer', minimum: 0 } as const
const texts = { type: 'array', items: text } as const
const dependencies = { type: 'array', items: ref('Dependency') } as const
const exampleDependency = { name: 'event_log', state: 'up', since: '2026-11-23T10:00:00.000Z' } as const

const logSchema = {
  type: 'object',
  required: ['id', 'oldest', 'latest', 'events', 'bytes', 'bytesMax', 'full', 'heldBy'],
  properties: {
    id: text,
    oldest: { ...text, description: 'Cursor before the oldest event kept.' },
    latest: { ...text, description: 'Cursor behind the last event on disk.' },
    events: count,
    bytes: count,
    bytesMax: count,
    full: { type: 'boolean' },
    heldBy: texts,
    failing: { type: 'object', required: ['since', 'error'], properties: { since: text, error: text } }
  }
} as const

const nodeSchema = {
  type: 'object',
  required: [
    'id',
    'version',
    'startedAt',
    'uptimeS',
    'connections',
    'ready',
    'reasons',
    'dependencies',
    'stages',
    'log',
    'readers'
  ],
  properties: {
    id: text,
    version: text,
    startedAt: { type: 'string', format: 'date-time' },
    uptimeS: count,
    connections: count,
    ready: { type: 'boolean' },
    reasons: texts,
    dependencies,
    stages: {
      type: 'array',
      items: {
        type: 'object',
        required: ['stage', 'depth', 'highWater'],
        properties: { stage: text, depth: count, highWater: count }
      }
    },
    log: logSchema,
    readers: { ...count, description: 'Event streams open now.' }
  }
} as const

const exampleNode = {
  id: 'gw-0',
  version: '0.1.0',
  startedAt: '2026-11-23T10:00:00.000Z',
  uptimeS: 3600,
  connections: 1200,
  ready: true,
  reasons: [],
  dependencies: [exampleDependency],
  stages: [{ stage: 'log', depth: 3, highWater: 410 }],
  log: {
    id: '019ab3c4',
    oldest: exampleCursor,
    latest: exampleCursor,
    events: 90_000,
    bytes: 60_000_000,
    bytesMax: 4_294_967_296,
    full: false,
    heldBy: []
  },
  readers: 2
} as const

function dependencyJson({ name, state, sinceMs, detail }: DependencyState): object {
  return { name, state, since: isoTime(sinceMs), ...(detail === undefined ? {} : { detail }) }
}

function nodeRoute(app: FastifyInstance, { node, log, clock }: ApiParts, readers: EventReaders): void {
  app.get(
    '/v1/node',
    {
      schema: {
        operationId: 'getNode',
        summary: 'This gateway node: readiness, dependencies, depth of each stage, event log',
        tags: ['node'],
        response: { 200: answer('The node.', nodeSchema, exampleNode), ...problemAnswers() }
      }
    },
    async () => {
      const { ready, reasons, dependencies } = node.readiness()
      const { oldest, durable } = log.range()
      const { failing, ...state } = log.state()
      return {
        id: node.id,
        version: node.version,
        startedAt: isoTime(node.startedAtMs),
        uptimeS: Math.max(0, Math.floor((clock.now() - node.startedAtMs) / 1000)),
        connections: node.connections,
        ready,
        reasons,
        dependencies: dependencies.map(dependencyJson),
        stages: node.stages(),
        log: {
          id: log.id,
          oldest: oldestCursor(log),
          latest: encodeCursor(log.id, durable),
          events: durable - oldest + 1,
          ...state,
          ...(failing ? { failing: { since: isoTime(failing.sinceMs), error: failing.error } } : {})
        },
        readers: readers.count
      }
    }
  )
}

/** The node itself, its metrics and its health. */
export function nodeRoutes(app: FastifyInstance, parts: ApiParts, readers: EventReaders): void {
  nodeRoute(app, parts, readers)

  app.get(
    '/metrics',
    {
      config: { access: 'metrics' },
      schema: {
        operationId: 'getMetrics',
        summary: 'Metrics in the Prometheus text format',
        tags: ['node'],
        response: {
          200: {
            description: 'The metrics.',
            content: { 'text/plain': { schema: text, examples: { example: { value: 'cpg_ready 1\n' } } } }
          },
          ...problemAnswers()
        }
      }
    },
    async (_request, reply) =>
      reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(await parts.metricsText())
  )

  app.get(
    '/health/live',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'getLive',
        summary: 'The process runs and answers',
        tags: ['node'],
        response: {
          200: answer(
            'It does.',
            { type: 'object', required: ['status'], properties: { status: { const: 'live' } } },
            { status: 'live' }
          ),
          ...problemAnswers()
        }
      }
    },
    async () => ({ status: 'live' })
  )

  app.get(
    '/health/ready',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'getReady',
        summary: 'Charge points may be sent here',
        tags: ['node'],
        response: {
          200: answer(
            'They may.',
            {
              type: 'object',
              required: ['status', 'dependencies'],
              properties: { status: { const: 'ready' }, dependencies }
            },
            { status: 'ready', dependencies: [exampleDependency] }
          ),
          ...problemAnswers('not_ready')
        }
      }
    },
    async (_request, reply) => {
      const { ready, reasons, dependencies } = parts.node.readiness()
      const states = dependencies.map(dependencyJson)
      if (ready) return { status: 'ready', dependencies: states }
      return sendProblem(reply, 'not_ready', reasons.join('; '), { reasons, dependencies: states })
    }
  )
}
