import type { FastifyInstance, FastifyReply } from 'fastify'
import type { CommandRequest } from '../../gateway/views.ts'
import type { CommandRecord } from '../../ports/records.ts'
import { sendProblem } from '../answer.ts'
import type { ApiParts } from '../parts.ts'
import { preferredWaitMs } from '../prefer.ts'
import { answer, exampleCommand, idText, problemAnswers, ref } from '../schemas.ts'
import { commandJson } from '../views.ts'
import { chargePointParams } from './charge-points.ts'

const commandParams = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string', description: 'Command id, percent-encoded.', examples: ['c-1'] } }
} as const

const preferHeader = {
  type: 'object',
  properties: {
    prefer: {
      type: 'string',
      description: '`wait=30`: answer when the command is settled, at the latest after 30 s (RFC 7240).',
      examples: ['wait=30']
    }
  }
} as const

const answerHeaders = {
  location: { type: 'string', description: 'Where the command is: `/v1/commands/{id}`.' },
  'preference-applied': { type: 'string', description: 'The wait that was applied.' }
} as const

const commandBody = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'data'],
  properties: {
    id: {
      ...idText,
      pattern: '^[\\x20-\\x7e]+$',
      description: 'Chosen by you, so that a repeated request is the same command; made when absent.'
    },
    type: { type: 'string', minLength: 1, maxLength: 128, description: '`ocpp.call`, or a unified command.' },
    data: { type: 'object', description: 'For `ocpp.call`: `{ "action", "payload" }`.' },
    timeoutMs: { type: 'integer', minimum: 1, description: 'Counts from the write to the socket.' },
    expiresAt: { type: 'string', format: 'date-time', description: 'Bounds the wait in the queue.' },
    priority: { type: 'string', enum: ['high', 'normal'] }
  },
  examples: [{ id: 'c-1', type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Soft' } }, timeoutMs: 30_000 }]
} as const

const commandList = {
  type: 'object',
  required: ['commands'],
  properties: { commands: { type: 'array', items: ref('Command') } }
} as const

const queuedCommand = { ...exampleCommand, state: 'queued', outcome: undefined } as const

function sendCommand(reply: FastifyReply, status: number, record: CommandRecord, waitMs: number): FastifyReply {
  if (waitMs > 0) reply.header('preference-applied', `wait=${Math.ceil(waitMs / 1000)}`)
  if (status === 202) reply.header('location', `/v1/commands/${encodeURIComponent(record.commandId)}`)
  return reply.code(status).send(commandJson(record))
}

function submitRoute(app: FastifyInstance, { desk, settings }: ApiParts): void {
  app.post<{ Params: { id: string }; Body: Omit<CommandRequest, 'chargePointId' | 'requestedBy'> }>(
    '/v1/charge-points/:id/commands',
    {
      schema: {
        operationId: 'submitCommand',
        summary: 'Send a command to a charge point',
        description: 'The outcome is an event `command.outcome`, exactly one for each command id.',
        tags: ['commands'],
        params: chargePointParams,
        headers: preferHeader,
        body: commandBody,
        response: {
          200: answer(
            'Settled: with `Prefer: wait`, or the same command again.',
            ref('Command'),
            exampleCommand,
            answerHeaders
          ),
          202: answer('Accepted; the outcome follows.', ref('Command'), queuedCommand, answerHeaders),
          ...problemAnswers(
            'command_invalid',
            'command_id_conflict',
            'commands_unavailable',
            'request_too_large',
            'media_type_unsupported'
          )
        }
      }
    },
    async (request, reply) => {
      const chargePointId = request.params.id
      const submitted = await desk.submit({ ...request.body, chargePointId, requestedBy: request.requestedBy })
      switch (submitted.kind) {
        case 'invalid':
          return sendProblem(reply, 'command_invalid', submitted.detail)
        case 'unavailable':
          return sendProblem(reply, 'commands_unavailable', submitted.detail)
        case 'registry_unavailable':
          return sendProblem(reply, 'registry_unavailable', submitted.detail)
        case 'conflict': {
          const { commandId } = submitted.record
          return sendProblem(reply, 'command_id_conflict', `\`${commandId}\` is another command already`)
        }
        case 'accepted': {
          const waitMs = preferredWaitMs(request.headers.prefer, settings.waitMsMax)
          let { record } = submitted
          if (waitMs > 0 && record.state !== 'settled')
            record = (await desk.settled(record.commandId, waitMs)) ?? record
          const answersNow = record.state === 'settled' && (waitMs > 0 || !submitted.created)
          return sendCommand(reply, answersNow ? 200 : 202, record, waitMs)
        }
      }
    }
  )
}

function recentRoute(app: FastifyInstance, { desk, chargePoints, settings }: ApiParts): void {
  app.get<{ Params: { id: string }; Querystring: { limit: number } }>(
    '/v1/charge-points/:id/commands',
    {
      schema: {
        operationId: 'listCommands',
        summary: 'Recent commands of a charge point, newest first',
        tags: ['commands'],
        params: chargePointParams,
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            limit: {
              type: 'integer',
              minimum: 1,
              maximum: settings.pageEventsMax,
              default: Math.min(50, settings.pageEventsMax)
            }
          }
        },
        response: {
          200: answer('The commands.', commandList, { commands: [exampleCommand] }),
          ...problemAnswers('charge_point_unknown')
        }
      }
    },
    async ({ params: { id }, query: { limit } }, reply) => {
      const commands = await desk.recent(id, limit)
      if (commands.length === 0 && !(await chargePoints.get(id)))
        return sendProblem(reply, 'charge_point_unknown', `\`${id}\` was never seen here`)
      return { commands: commands.map(commandJson) }
    }
  )
}

export function commandRoutes(app: FastifyInstance, parts: ApiParts): void {
  const { desk, settings } = parts
  submitRoute(app, parts)
  recentRoute(app, parts)

  app.get<{ Params: { id: string } }>(
    '/v1/commands/:id',
    {
      schema: {
        operationId: 'getCommand',
        summary: 'State and outcome of a command',
        tags: ['commands'],
        params: commandParams,
        headers: preferHeader,
        response: {
          200: answer('The command.', ref('Command'), exampleCommand, {
            'preference-applied': answerHeaders['preference-applied']
          }),
          ...problemAnswers('command_unknown')
        }
      }
    },
    async (request, reply) => {
      const { id } = request.params
      const waitMs = preferredWaitMs(request.headers.prefer, settings.waitMsMax)
      const record = await (waitMs > 0 ? desk.settled(id, waitMs) : desk.get(id))
      if (!record) return sendProblem(reply, 'command_unknown', `there is no command \`${id}\``)
      return sendCommand(reply, 200, record, waitMs)
    }
  )

  app.delete<{ Params: { id: string } }>(
    '/v1/commands/:id',
    {
      schema: {
        operationId: 'cancelCommand',
        summary: 'Cancel a command that still waits in its queue',
        tags: ['commands'],
        params: commandParams,
        response: {
          200: answer('Cancelled: `not_sent/cancelled`.', ref('Command'), {
            ...exampleCommand,
            outcome: 'not_sent',
            reason: 'cancelled'
          }),
          ...problemAnswers('command_unknown', 'command_too_late')
        }
      }
    },
    async ({ params: { id } }, reply) => {
      const cancelled = await desk.cancel(id)
      if (cancelled.kind === 'unknown') return sendProblem(reply, 'command_unknown', `there is no command \`${id}\``)
      const command = commandJson(cancelled.record)
      if (cancelled.kind === 'cancelled') return command
      const detail = `it is ${cancelled.record.state}`
      return sendProblem(reply, 'command_too_late', detail, { command })
    }
  )
}
