import type { FastifyInstance } from 'fastify'
import { sendProblem } from '../answer.ts'
import { readCursor } from '../cursor.ts'
import type { ApiParts } from '../parts.ts'
import { answer, exampleCursor, problemAnswers, ref } from '../schemas.ts'
import { consumerJson } from '../views.ts'

const example = {
  name: 'billing',
  cursor: exampleCursor,
  required: false,
  overtaken: false,
  behind: 12,
  updatedAt: '2026-11-23T10:00:00.123Z'
} as const

const params = {
  type: 'object',
  required: ['name'],
  properties: {
    name: {
      type: 'string',
      pattern: '^[A-Za-z0-9._-]{1,128}$',
      description: 'Letters, digits and ._- (at most 128).',
      examples: ['billing']
    }
  }
} as const

const body = {
  type: 'object',
  additionalProperties: false,
  required: ['cursor'],
  properties: {
    cursor: {
      type: 'string',
      minLength: 1,
      description: '`next` of the page that was dealt with, or `oldest` or `latest` for the ends of the log.'
    }
  },
  examples: [{ cursor: exampleCursor }]
} as const

function putRoute(app: FastifyInstance, { log, settings }: ApiParts): void {
  app.put<{ Params: { name: string }; Body: { cursor: string } }>(
    '/v1/consumers/:name',
    {
      schema: {
        operationId: 'putConsumer',
        summary: 'Create or move a named cursor',
        description: 'It may move back to anything that is still kept.',
        tags: ['events'],
        params,
        body,
        response: {
          200: answer('As it stands now, on disk.', ref('Consumer'), example),
          ...problemAnswers(
            'cursor_unreadable',
            'cursor_of_another_log',
            'cursor_trimmed',
            'consumers_exhausted',
            'request_too_large',
            'media_type_unsupported'
          )
        }
      }
    },
    async ({ params: { name }, body: { cursor } }, reply) => {
      const place = readCursor(log, cursor)
      if (!place.ok) {
        const { code, detail } = place
        return sendProblem(reply, code, detail, place.code === 'cursor_trimmed' ? { oldest: place.oldest } : {})
      }
      if (!log.consumer(name) && log.consumers().length >= settings.consumersMax)
        return sendProblem(reply, 'consumers_exhausted', `there are ${settings.consumersMax} consumers`)
      return consumerJson(log, await log.putConsumer(name, place.position))
    }
  )
}

export function consumerRoutes(app: FastifyInstance, parts: ApiParts): void {
  const { log } = parts
  putRoute(app, parts)

  app.get(
    '/v1/consumers',
    {
      schema: {
        operationId: 'listConsumers',
        summary: 'Named cursors',
        tags: ['events'],
        response: {
          200: answer(
            'All consumers.',
            {
              type: 'object',
              required: ['consumers'],
              properties: { consumers: { type: 'array', items: ref('Consumer') } }
            },
            { consumers: [example] }
          ),
          ...problemAnswers()
        }
      }
    },
    async () => ({ consumers: log.consumers().map((consumer) => consumerJson(log, consumer)) })
  )

  app.get<{ Params: { name: string } }>(
    '/v1/consumers/:name',
    {
      schema: {
        operationId: 'getConsumer',
        summary: 'One named cursor',
        tags: ['events'],
        params,
        response: { 200: answer('The consumer.', ref('Consumer'), example), ...problemAnswers('consumer_unknown') }
      }
    },
    async ({ params: { name } }, reply) => {
      const consumer = log.consumer(name)
      return consumer ? consumerJson(log, consumer) : sendProblem(reply, 'consumer_unknown', `there is no \`${name}\``)
    }
  )

  app.delete<{ Params: { name: string } }>(
    '/v1/consumers/:name',
    {
      schema: {
        operationId: 'deleteConsumer',
        summary: 'Forget a named cursor',
        tags: ['events'],
        params,
        response: {
          204: { description: 'Forgotten.', type: 'null' },
          ...problemAnswers('consumer_unknown', 'consumer_required')
        }
      }
    },
    async ({ params: { name } }, reply) => {
      if (log.consumer(name)?.required) return sendProblem(reply, 'consumer_required', `\`${name}\` holds the log`)
      if (await log.deleteConsumer(name)) return reply.code(204).send()
      return sendProblem(reply, 'consumer_unknown', `there is no \`${name}\``)
    }
  )
}
