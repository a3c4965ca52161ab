import type { FastifyInstance } from 'fastify'
import { sendProblem } from '../answer.ts'
import type { ApiParts } from '../parts.ts'
import { answer, idText, problemAnswers, ref } from '../schemas.ts'
import { chargePointJson, chargePointWithHistoryJson } from '../views.ts'

const example = {
  id: 'CP-001',
  connected: true,
  version: '1.6',
  epoch: 217591200,
  node: 'gw-0',
  vendor: 'Acme',
  model: 'Wallbox 11',
  connectedAt: '2026-11-23T10:00:00.000Z',
  lastSeenAt: '2026-11-23T10:04:10.120Z',
  remoteAddress: '10.0.0.7',
  queuedCalls: 0
} as const
const history = {
  ...example,
  connections: [
    {
      epoch: 217591200,
      node: 'gw-0',
      version: '1.6',
      remoteAddress: '10.0.0.7',
      connectedAt: '2026-11-23T10:00:00.000Z'
    }
  ]
} as const

export const chargePointParams = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string', description: 'Charge point id, percent-encoded.', examples: ['CP-001'] } }
} as const

export function chargePointRoutes(app: FastifyInstance, parts: ApiParts): void {
  listRoute(app, parts)
  oneRoute(app, parts)
  disconnectRoute(app, parts)
}

function listRoute(app: FastifyInstance, { chargePoints, settings }: ApiParts): void {
  app.get<{ Querystring: { connected?: boolean; limit: number; after?: string } }>(
    '/v1/charge-points',
    {
      schema: {
        operationId: 'listChargePoints',
        summary: 'Charge points, in the order of their ids',
        tags: ['charge points'],
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            connected: { type: 'boolean', description: 'Only those that are (not) connected now.', examples: [true] },
            limit: {
              type: 'integer',
              minimum: 1,
              maximum: settings.pageEventsMax,
              default: Math.min(100, settings.pageEventsMax)
            },
            after: { ...idText, description: '`next` of the page before.', examples: ['CP-001'] }
          }
        },
        response: {
          200: answer(
            'A page; `next` is there when more follow.',
            {
              type: 'object',
              required: ['chargePoints'],
              properties: { chargePoints: { type: 'array', items: ref('ChargePoint') }, next: { type: 'string' } }
            },
            { chargePoints: [example], next: 'CP-001' }
          ),
          ...problemAnswers()
        }
      }
    },
    async ({ query: { connected, limit, after } }) => {
      const found = await chargePoints.list({
        limit: limit + 1,
        ...(connected === undefined ? {} : { connected }),
        ...(after === undefined ? {} : { after })
      })
      const page = found.slice(0, limit)
      const last = page.at(-1)
      return {
        chargePoints: page.map(chargePointJson),
        ...(found.length > limit && last ? { next: last.record.chargePointId } : {})
      }
    }
  )
}

function oneRoute(app: FastifyInstance, { chargePoints }: ApiParts): void {
  app.get<{ Params: { id: string } }>(
    '/v1/charge-points/:id',
    {
      schema: {
        operationId: 'getChargePoint',
        summary: 'One charge point with its recent connections and why they ended',
        tags: ['charge points'],
        params: chargePointParams,
        response: {
          200: answer('The charge point.', ref('ChargePointWithHistory'), history),
          ...problemAnswers('charge_point_unknown')
        }
      }
    },
    async ({ params: { id } }, reply) => {
      const view = await chargePoints.get(id)
      if (!view) return sendProblem(reply, 'charge_point_unknown', `\`${id}\` was never seen here`)
      return chargePointWithHistoryJson(view)
    }
  )
}

function disconnectRoute(app: FastifyInstance, { chargePoints }: ApiParts): void {
  app.delete<{ Params: { id: string } }>(
    '/v1/charge-points/:id/connection',
    {
      schema: {
        operationId: 'disconnectChargePoint',
        summary: 'Close the connection of a charge point; it may come back at once',
        tags: ['charge points'],
        params: chargePointParams,
        response: {
          204: { description: 'It is being closed with `disconnected_by_operator`.', type: 'null' },
          ...problemAnswers('charge_point_unknown', 'charge_point_offline')
        }
      }
    },
    async ({ params: { id } }, reply) => {
      if (await chargePoints.disconnect(id)) return reply.code(204).send()
      const known = await chargePoints.get(id)
      return known
        ? sendProblem(reply, 'charge_point_offline', `\`${id}\` has no open connection`)
        : sendProblem(reply, 'charge_point_unknown', `\`${id}\` was never seen here`)
    }
  )
}
