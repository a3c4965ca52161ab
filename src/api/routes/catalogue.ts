import type { FastifyInstance } from 'fastify'
import { sendProblem } from '../answer.ts'
import type { ApiParts } from '../parts.ts'
import { type ProblemCode, problems } from '../problems.ts'
import { answer, problemAnswers } from '../schemas.ts'

const problemSchema = {
  type: 'object',
  required: ['code', 'status', 'title', 'remedy'],
  properties: {
    code: { type: 'string' },
    status: { type: 'integer' },
    title: { type: 'string' },
    remedy: { type: 'string' }
  }
} as const
const exampleProblem = { code: 'not_found', ...problems.not_found } as const

function problemRoutes(app: FastifyInstance): void {
  app.get(
    '/v1/problems',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'listProblems',
        summary: 'Every problem that the API answers with',
        tags: ['catalogues'],
        response: {
          200: answer(
            'The catalogue.',
            {
              type: 'object',
              required: ['problems'],
              properties: { problems: { type: 'array', items: problemSchema } }
            },
            { problems: [exampleProblem] }
          ),
          ...problemAnswers()
        }
      }
    },
    async () => ({ problems: Object.entries(problems).map(([code, problem]) => ({ code, ...problem })) })
  )

  app.get<{ Params: { code: string } }>(
    '/v1/problems/:code',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'getProblem',
        summary: 'What a problem means and what to do about it',
        tags: ['catalogues'],
        params: {
          type: 'object',
          required: ['code'],
          properties: { code: { type: 'string', examples: ['cursor_trimmed'] } }
        },
        response: { 200: answer('The problem.', problemSchema, exampleProblem), ...problemAnswers('problem_unknown') }
      }
    },
    async ({ params: { code } }, reply) =>
      Object.hasOwn(problems, code)
        ? { code, ...problems[code as ProblemCode] }
        : sendProblem(reply, 'problem_unknown', `there is no \`${code}\``)
  )
}

/** Schemas of events, and the catalogue of problems. */
export function catalogueRoutes(app: FastifyInstance, { eventSchemas }: ApiParts): void {
  problemRoutes(app)

  app.get(
    '/v1/schemas',
    {
      schema: {
        operationId: 'listSchemas',
        summary: 'Names of all schemas',
        tags: ['catalogues'],
        response: {
          200: answer(
            'Name and address of each.',
            {
              type: 'object',
              required: ['schemas'],
              properties: {
                schemas: {
                  type: 'array',
                  items: {
                    type: 'object',
                    required: ['type', 'url'],
                    properties: { type: { type: 'string' }, url: { type: 'string' } }
                  }
                }
              }
            },
            { schemas: [{ type: 'transaction.started', url: '/v1/schemas/transaction.started' }] }
          ),
          ...problemAnswers()
        }
      }
    },
    async () => ({
      schemas: [...eventSchemas.keys()].sort().map((type) => ({ type, url: `/v1/schemas/${encodeURIComponent(type)}` }))
    })
  )

  app.get<{ Params: { type: string } }>(
    '/v1/schemas/:type',
    {
      schema: {
        operationId: 'getSchema',
        summary: 'The JSON Schema (draft-07) of an event type',
        tags: ['catalogues'],
        params: {
          type: 'object',
          required: ['type'],
          properties: { type: { type: 'string', examples: ['transaction.started'] } }
        },
        response: {
          200: {
            description: 'The schema.',
            content: {
              'application/schema+json': {
                schema: { type: 'object' },
                examples: { example: { value: { title: 'transaction.started' } } }
              }
            }
          },
          ...problemAnswers('schema_unknown')
        }
      }
    },
    async ({ params: { type } }, reply) => {
      const schema = eventSchemas.get(type)
      if (!schema) return sendProblem(reply, 'schema_unknown', `there is no schema of \`${type}\``)
      return reply.header('content-type', 'application/schema+json; charset=utf-8').send(JSON.stringify(schema))
    }
  )
}
