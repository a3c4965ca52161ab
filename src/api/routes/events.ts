import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { acceptedMedia } from '../accept.ts'
import { sendProblem } from '../answer.ts'
import { type CursorFault, encodeCursor, readCursor } from '../cursor.ts'
import { eventFilter } from '../event-filter.ts'
import { type EventPage, readPage } from '../event-page.ts'
import type { EventReaders } from '../event-readers.ts'
import type { ApiParts } from '../parts.ts'
import { exampleCursor, exampleEvent, problemAnswers, ref } from '../schemas.ts'
import { eventStreamForm, linesForm } from '../stream-form.ts'

interface EventsQuery {
  after?: string
  limit: number
  chargePointId?: string[]
  type?: string[]
  follow: boolean
  cursors: boolean
}
type EventsRequest = FastifyRequest<{ Querystring: EventsQuery; Headers: { 'last-event-id'?: string } }>

const repeatable = { type: 'array', items: { type: 'string', minLength: 1 }, maxItems: 1000 } as const

function querySchema(pageEventsMax: number): object {
  return {
    type: 'object',
    additionalProperties: false,
    properties: {
      after: {
        type: 'string',
        description:
          'A cursor: only events behind it. `latest` begins behind the last event, `oldest` (the default) with the oldest kept.',
        examples: [exampleCursor]
      },
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: pageEventsMax,
        default: Math.min(100, pageEventsMax),
        description: 'Most events of a page; streams ignore it.'
      },
      chargePointId: {
        ...repeatable,
        description: 'Only of these charge points; repeat it or use commas.',
        examples: [['CP-001']]
      },
      type: {
        ...repeatable,
        description: 'Only of these types; repeat it or use commas. `transaction.*` takes all that begin so.',
        examples: [['transaction.*']]
      },
      follow: { type: 'boolean', default: false, description: 'With `application/x-ndjson`: go on with new events.' },
      cursors: {
        type: 'boolean',
        default: false,
        description: 'With `follow`: also write lines `{"cursor":"..."}` to resume from.'
      }
    }
  }
}

const pageHeaders = {
  'cpg-next-cursor': { type: 'string', description: '`next` of a page of lines.' },
  'cpg-more': { type: 'string', description: '`true` when more events can be read at once.' }
} as const

const pageAnswer = {
  description:
    'A page, or a stream for `text/event-stream` (the `id` of each message is its cursor) and for `application/x-ndjson` with `follow`.',
  headers: pageHeaders,
  content: {
    'application/json': {
      schema: {
        type: 'object',
        required: ['events', 'next', 'more'],
        properties: {
          events: { type: 'array', items: ref('Event') },
          next: { type: 'string', description: 'Read on with `after` = `next`, also when the page is empty.' },
          more: { type: 'boolean', description: 'True when more can be read at once.' }
        }
      },
      examples: { example: { value: { events: [exampleEvent], next: exampleCursor, more: false } } }
    },
    'text/event-stream': {
      schema: { type: 'string' },
      examples: { example: { value: `id: ${exampleCursor}\ndata: ${JSON.stringify(exampleEvent)}\n\n` } }
    },
    'application/x-ndjson': {
      schema: { type: 'string' },
      examples: { example: { value: `${JSON.stringify(exampleEvent)}\n` } }
    }
  }
} as const

function sendFault(reply: FastifyReply, fault: CursorFault): FastifyReply {
  return sendProblem(reply, fault.code, fault.detail, fault.code === 'cursor_trimmed' ? { oldest: fault.oldest } : {})
}

function sendPage(reply: FastifyReply, page: EventPage, next: string, lines: boolean): FastifyReply {
  reply.header('cache-control', 'no-store')
  // The events go out as they were stored: they are never parsed here.
  if (!lines)
    return reply
      .header('content-type', 'application/json; charset=utf-8')
      .send(`{"events":[${page.texts.join(',')}],"next":${JSON.stringify(next)},"more":${page.more}}`)
  return reply
    .header('content-type', 'application/x-ndjson; charset=utf-8')
    .header('cpg-next-cursor', next)
    .header('cpg-more', String(page.more))
    .send(page.texts.map((text) => `${text}\n`).join(''))
}

export function eventRoutes(app: FastifyInstance, parts: ApiParts, readers: EventReaders): void {
  const { log, settings } = parts

  async function serve(request: EventsRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { query, headers } = request
    const media = acceptedMedia(headers.accept)
    // A browser that reconnects repeats its URL, so where it stopped is newer than `after`. [WHATWG HTML 9.2]
    const lastEventId = media === 'text/event-stream' ? headers['last-event-id'] : undefined
    const place = readCursor(log, lastEventId || query.after)
    if (!place.ok) return sendFault(reply, place)
    const filter = eventFilter(query)
    if (media === 'text/event-stream' || query.follow) {
      if (media === 'application/json')
        return sendProblem(
          reply,
          'invalid_request',
          '`follow` needs `Accept: application/x-ndjson` or `text/event-stream`'
        )
      if (readers.full)
        return sendProblem(reply.header('retry-after', '5'), 'readers_exhausted', `${readers.count} are open`)
      const form = media === 'text/event-stream' ? eventStreamForm(log.id) : linesForm(log.id, query.cursors)
      reply.hijack()
      readers.open(reply.raw, { form, filter, after: place.position })
      return reply
    }
    const scanMax = settings.pageEventsMax * 10
    const page = await readPage(log, { after: place.position, filter, limit: query.limit, scanMax })
    if (!page.ok) return sendFault(reply, page)
    return sendPage(reply, page, encodeCursor(log.id, page.position), media === 'application/x-ndjson')
  }

  app.get<{ Querystring: EventsQuery; Headers: { 'last-event-id'?: string } }>(
    '/v1/events',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'readEvents',
        summary: 'Events in the order of the log',
        description:
          'Reading on from `next` never skips and never repeats an event, also while events are being written and whatever the filter.',
        tags: ['events'],
        querystring: querySchema(settings.pageEventsMax),
        headers: {
          type: 'object',
          properties: {
            'last-event-id': {
              type: 'string',
              description: 'With `text/event-stream`: resume behind this cursor; goes before `after`.',
              examples: [exampleCursor]
            }
          }
        },
        response: {
          200: pageAnswer,
          ...problemAnswers('cursor_unreadable', 'cursor_of_another_log', 'cursor_trimmed', 'readers_exhausted')
        }
      }
    },
    serve
  )
}
