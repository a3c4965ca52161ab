import type { FastifyInstance } from 'fastify'
import { keyOf } from '../../ports/records.ts'
import { sendProblem } from '../answer.ts'
import type { ApiParts } from '../parts.ts'
import { answer, problemAnswers, ref } from '../schemas.ts'
import { transactionJson } from '../views.ts'

const example = {
  chargePointId: 'CP-001',
  transactionId: '435182401',
  version: '1.6',
  epoch: 217591200,
  state: 'open',
  evse: { id: 2, connectorId: 1 },
  idToken: { value: '04e8A1B2' },
  meterStartWh: 1200,
  updatedAt: '2026-11-23T10:00:00.123Z'
} as const

interface Query {
  open?: boolean
  chargePointId?: string
  limit: number
  after?: string
}

/** Place of a page: opaque, since the key of a transaction holds a control character. */
function encodePlace(key: string): string {
  return Buffer.from(key).toString('base64url')
}

function decodePlace(text: string): string | undefined {
  const key = Buffer.from(text, 'base64url').toString()
  return key.includes('\u0001') && encodePlace(key) === text ? key : undefined
}

export function transactionRoutes(app: FastifyInstance, { directory, settings }: ApiParts): void {
  app.get<{ Querystring: Query }>(
    '/v1/transactions',
    {
      schema: {
        operationId: 'listTransactions',
        summary: 'Transactions that the gateway remembers',
        tags: ['transactions'],
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            open: { type: 'boolean', description: 'Only those that are (not) running.', examples: [true] },
            chargePointId: { type: 'string', minLength: 1, examples: ['CP-001'] },
            limit: {
              type: 'integer',
              minimum: 1,
              maximum: settings.pageEventsMax,
              default: Math.min(100, settings.pageEventsMax)
            },
            after: { type: 'string', description: '`next` of the page before.' }
          }
        },
        response: {
          200: answer(
            'A page; `next` is there when more follow.',
            {
              type: 'object',
              required: ['transactions'],
              properties: { transactions: { type: 'array', items: ref('Transaction') }, next: { type: 'string' } }
            },
            { transactions: [example] }
          ),
          ...problemAnswers('cursor_unreadable')
        }
      }
    },
    async ({ query: { open, chargePointId, limit, after } }, reply) => {
      const place = after === undefined ? undefined : decodePlace(after)
      if (after !== undefined && place === undefined)
        return sendProblem(reply, 'cursor_unreadable', '`after` has to be the `next` of a page')
      const found = await directory.transactions({
        limit: limit + 1,
        ...(open === undefined ? {} : { open }),
        ...(chargePointId === undefined ? {} : { chargePointId }),
        ...(place === undefined ? {} : { after: place })
      })
      const page = found.slice(0, limit)
      const last = page.at(-1)
      return {
        transactions: page.map(transactionJson),
        ...(found.length > limit && last
          ? { next: encodePlace(keyOf.transaction(last.chargePointId, last.transactionId)) }
          : {})
      }
    }
  )
}
