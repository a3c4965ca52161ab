import type { Socket } from 'node:net'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { GatewayError } from '../lib/gateway-error.ts'
import { sendProblem } from './answer.ts'
import { TokenTable } from './auth.ts'
import { isLoopback, refuseBrowser } from './browser-guard.ts'
import { EventReaders } from './event-readers.ts'
import type { ApiParts } from './parts.ts'
import { problemBody } from './problems.ts'
import { catalogueRoutes } from './routes/catalogue.ts'
import { chargePointRoutes } from './routes/charge-points.ts'
import { commandRoutes } from './routes/commands.ts'
import { consumerRoutes } from './routes/consumers.ts'
import { eventRoutes } from './routes/events.ts'
import { nodeRoutes } from './routes/node.ts'
import { transactionRoutes } from './routes/transactions.ts'
import { sharedSchemas } from './schemas.ts'
import { describeFault, requestValidators } from './validation.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Name of the token, `api` without one. */
    requestedBy: string
  }
  interface FastifyContextConfig {
    /** Who may call the route; by default those with a token of `api.tokens`. */
    access?: 'open' | 'metrics'
  }
}

/** A request has to arrive within this time; its answer may take longer. */
const requestTimeoutMs = 30_000
/** Ids in paths: longer ones than a request line can hold do not arrive anyway. */
const pathIdMax = 8192
/** What a closing server waits for answers that are being written. */
const closeGraceMs = 1000
const pageTitle = 'charge-point-gateway'
const logo = Buffer.from(
  `<svg xmlns="http://www.w3.org/2000/svg" width="260" height="40" role="img"><title>${pageTitle}</title><text x="0" y="27" font-family="sans-serif" font-size="22" fill="#fff">${pageTitle}</text></svg>`
)

export interface Api {
  /** Throws `api_without_token` or `port_taken`. */
  listen(): Promise<{ readonly host: string; readonly port: number }>
  /** Streams end with a comment that says where to resume; what is not written after a second is cut. */
  close(): Promise<void>
  /** A request without a socket, for tests. */
  readonly inject: FastifyInstance['inject']
}

function handleError(error: FastifyError, request: FastifyRequest, reply: FastifyReply, parts: ApiParts): FastifyReply {
  if (error.validation)
    return sendProblem(
      reply,
      'invalid_request',
      describeFault(error.validationContext ?? 'request', error.validation as never)
    )
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return sendProblem(reply, 'request_too_large', `at most ${parts.settings.requestBytesMax} bytes are taken`)
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return sendProblem(reply, 'media_type_unsupported', `\`${request.headers['content-type'] ?? 'no type'}\` came`)
  if (error instanceof GatewayError && error.canRetry)
    return sendProblem(
      reply,
      error.code === 'registry_unavailable' ? 'registry_unavailable' : 'unavailable',
      error.message
    )
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return sendProblem(reply, 'invalid_request', error.message)
  parts.logger.error({ error, method: request.method, route: request.routeOptions.url }, 'An API request failed.')
  return sendProblem(reply, 'internal_error')
}

/** A request that is not HTTP: answered on the bare socket. */
function refuseBadHttp(_error: Error, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const body = JSON.stringify(problemBody('invalid_request', 'this is not an HTTP request that can be read'))
  const head = `HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}`
  socket.end(`${head}\r\nConnection: close\r\n\r\n${body}`)
}

function guard(app: FastifyInstance, { settings }: ApiParts, isClosing: () => boolean): void {
  const tokens = new TokenTable(settings.tokens)
  const metricsTokens = new TokenTable(settings.metricsToken === undefined ? [] : [settings.metricsToken])
  app.decorateRequest('requestedBy', 'api')
  app.addHook('onRequest', async (request, reply) => {
    if (isClosing()) return sendProblem(reply.header('connection', 'close'), 'shutting_down')
    const { access } = request.routeOptions.config
    if (access === 'open') return
    const wanted = access === 'metrics' ? metricsTokens : tokens
    if (tokens.empty && wanted.empty) {
      const refused = refuseBrowser(request.method, request.headers)
      return refused ? sendProblem(reply, refused.code, refused.detail) : undefined
    }
    if (wanted.empty) return
    const name = wanted.nameOf(request.headers.authorization)
    if (name === undefined) {
      const came =
        request.headers.authorization === undefined ? 'no `Authorization` header came' : 'the token is not known'
      return sendProblem(reply.header('www-authenticate', 'Bearer'), 'unauthorized', came)
    }
    request.requestedBy = name
  })
}

async function describe(app: FastifyInstance, { node, settings }: ApiParts): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: pageTitle,
        version: node.version,
        description:
          'Charge points, commands and events of one gateway. Errors are RFC 9457 problems; see /v1/problems.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' }
      },
      servers: [{ url: '/' }],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: settings.tokens.length > 0 ? [{ token: [] }] : [],
      tags: ['charge points', 'commands', 'transactions', 'events', 'catalogues', 'node'].map((name) => ({ name }))
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `schema-${i}`) }
  })
  // A page of documentation cannot send a token, and what it says is no secret.
  app.addHook('onRoute', (route) => {
    if (route.url.startsWith('/docs')) route.config = { ...route.config, access: 'open' }
    if (route.config?.access === 'open') route.schema = { ...route.schema, security: [] }
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: pageTitle },
    logo: { type: 'image/svg+xml', content: logo, href: '/docs', target: '_self' }
  })
  app.get('/', { config: { access: 'open' }, schema: { hide: true } }, (_request, reply) => reply.redirect('/docs'))
  app.get('/openapi.json', { config: { access: 'open' }, schema: { hide: true } }, async () => app.swagger())
}

function build(parts: ApiParts, readers: EventReaders, isClosing: () => boolean): FastifyInstance {
  const { settings } = parts
  const app = fastify({
    bodyLimit: settings.requestBytesMax,
    requestTimeout: requestTimeoutMs,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: pathIdMax },
    // Beyond the router: a path that cannot be decoded, `%ZZ`.
    frameworkErrors: (error, _request, reply) => sendProblem(reply as FastifyReply, 'invalid_request', error.message),
    clientErrorHandler: refuseBadHttp
  })
  const validatorOf = requestValidators(sharedSchemas)
  app.setValidatorCompiler(({ schema, httpPart }) => validatorOf(httpPart ?? 'body', schema as object))
  // Answers are written as they are: a schema that lags behind must not make members disappear.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  for (const schema of sharedSchemas) app.addSchema(schema)
  // A form of another site can send text, so text is not taken for JSON.
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler((error: FastifyError, request, reply) => handleError(error, request, reply, parts))
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, 'not_found', `${request.method} ${request.url.slice(0, 200)}`)
  )
  guard(app, parts, isClosing)
  app.register(async (scope) => {
    await describe(scope, parts)
    for (const routes of [chargePointRoutes, commandRoutes, transactionRoutes, consumerRoutes, catalogueRoutes])
      routes(scope, parts)
    eventRoutes(scope, parts, readers)
    nodeRoutes(scope, parts, readers)
  })
  app.server.maxConnections = settings.connectionsMax
  app.server.on('drop', () => {
    parts.logger.warn(
      { connections: settings.connectionsMax },
      'An API connection was dropped: as many are open as allowed.'
    )
  })
  return app
}

/** The HTTP API over the views of a gateway node. */
export function createApi(parts: ApiParts): Api {
  const { settings, clock, log, logger } = parts
  const readers = new EventReaders({ ...settings, log, clock, logger })
  let closing = false
  const app = build(parts, readers, () => closing)
  return {
    async listen() {
      if (settings.tokens.length === 0 && !isLoopback(settings.host))
        throw new GatewayError(
          'api_without_token',
          `api.host is ${settings.host}, so anybody who reaches port ${settings.port} could command charge points: set api.tokens (or CPG_API_TOKENS), or api.host to 127.0.0.1.`
        )
      try {
        await app.listen({ host: settings.host, port: settings.port })
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause
        throw new GatewayError(
          'port_taken',
          `Port ${settings.port} of ${settings.host} is taken by another program: stop it, or set api.port (--api.port, CPG_API_PORT) to a free one.`,
          { cause, canRetry: true }
        )
      }
      const address = app.server.address()
      if (address === null || typeof address === 'string')
        throw new GatewayError('api_address', 'The API listens on no port.')
      return { host: address.address, port: address.port }
    },
    async close() {
      closing = true
      readers.close()
      const cancel = clock.after(closeGraceMs, () => app.server.closeAllConnections())
      try {
        await app.close()
      } finally {
        cancel()
      }
    },
    inject: app.inject.bind(app)
  }
}
