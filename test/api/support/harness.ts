import { deepStrictEqual, ok } from 'node:assert'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { type Api, createApi } from '../../../src/api/create-api.ts'
import type { ApiParts, ApiSettings } from '../../../src/api/parts.ts'
import type { ChargePointView } from '../../../src/gateway/views.ts'
import type { ChargePointRecord, TransactionRecord } from '../../../src/ports/records.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeDesk } from './fake-desk.ts'
import { FakeEventLog } from './fake-event-log.ts'

export const nowMs = Date.UTC(2026, 10, 23, 10)

export const defaultSettings: ApiSettings = {
  host: '127.0.0.1',
  port: 0,
  tokens: [],
  connectionsMax: 100,
  requestBytesMax: 16_384,
  pageEventsMax: 50,
  waitMsMax: 60_000,
  consumersMax: 3,
  readersMax: 3,
  readerBufferBytesMax: 65_536,
  readerStallMs: 30_000,
  sseHeartbeatMs: 15_000
}

export function chargePoint(id: string, more: Partial<ChargePointRecord> = {}, connected = true): ChargePointView {
  const record: ChargePointRecord = {
    chargePointId: id,
    epoch: 7,
    version: '1.6',
    connections: [{ epoch: 7, node: 'gw-0', version: '1.6', remoteAddress: '10.0.0.7', connectedAtMs: nowMs - 60_000 }],
    ...more
  }
  const live = {
    node: 'gw-0',
    epoch: 7,
    connectedAtMs: nowMs - 60_000,
    lastSeenAtMs: nowMs - 1000,
    remoteAddress: '10.0.0.7',
    queuedCalls: 2
  }
  return connected ? { record, live } : { record }
}

/** The schemas of the document hardly differ from test to test, and compiling them is most of the time of a call. */
const validators = new Map<string, ValidateFunction>()

function compiled(document: OpenApi, schema: object): ValidateFunction {
  const text = JSON.stringify(schema)
  const key = `${text} ${JSON.stringify(document.components)}`
  const known = validators.get(key)
  if (known) return known
  const ajv = new Ajv2020({ strict: false })
  formats.default(ajv)
  ajv.addSchema({ $id: 'doc', components: document.components })
  const validate = ajv.compile(JSON.parse(text.replaceAll('"#/components', '"doc#/components')) as object)
  validators.set(key, validate)
  return validate
}

/** The API over fakes. */
export class Harness {
  readonly log: FakeEventLog
  readonly desk = new FakeDesk()
  readonly clock = new FakeClock(nowMs)
  readonly views = new Map<string, ChargePointView>()
  readonly disconnected: string[] = []
  readonly logged: string[] = []
  readonly schemas = new Map<string, object>([['meter.values', { title: 'meter.values', type: 'object' }]])
  transactions: TransactionRecord[] = []
  fails: Error | undefined
  reasons: string[] = []
  readonly api: Api
  #document: OpenApi | undefined

  constructor(settings: Partial<ApiSettings> = {}, log = new FakeEventLog()) {
    this.log = log
    this.api = createApi(this.#parts({ ...defaultSettings, ...settings }))
  }

  #parts(settings: ApiSettings): ApiParts {
    const say = (_fields: object, message: string): void => {
      this.logged.push(message)
    }
    return {
      settings,
      log: this.log,
      desk: this.desk,
      clock: this.clock,
      eventSchemas: this.schemas,
      logger: { debug: say, info: say, warn: say, error: say },
      metricsText: async () => 'cpg_ready 1\n',
      chargePoints: {
        get: async (id) => {
          if (this.fails) throw this.fails
          return this.views.get(id)
        },
        list: async ({ connected, after = '', limit }) =>
          [...this.views.values()]
            .filter(({ live }) => connected === undefined || connected === (live !== undefined))
            .filter(({ record }) => record.chargePointId > after)
            .slice(0, limit),
        disconnect: async (id) => {
          if (!this.views.get(id)?.live) return false
          this.disconnected.push(id)
          return true
        }
      },
      directory: {
        transactions: async ({ chargePointId, open, after = '', limit }) =>
          this.transactions
            .filter((one) => chargePointId === undefined || one.chargePointId === chargePointId)
            .filter((one) => open === undefined || open === (one.state === 'open'))
            .filter((one) => `${one.chargePointId}\u0001${one.transactionId}` > after)
            .slice(0, limit)
      },
      node: {
        id: 'gw-0',
        version: '0.1.0',
        startedAtMs: nowMs - 90_000,
        connections: 2,
        readiness: () => ({
          ready: this.reasons.length === 0,
          reasons: this.reasons,
          dependencies: [{ name: 'event_log', state: this.reasons.length === 0 ? 'up' : 'down', sinceMs: nowMs }]
        }),
        stages: () => [{ stage: 'log', depth: 1, highWater: 9 }]
      }
    }
  }

  /** A request whose answer is checked against the OpenAPI document. */
  async call(options: InjectOptions | string): Promise<LightMyRequestResponse> {
    const request = typeof options === 'string' ? { url: options } : options
    const response = await this.api.inject({ method: 'GET', ...request })
    await this.#check(String(request.method ?? 'GET'), String(request.url), response)
    return response
  }

  async document(): Promise<OpenApi> {
    this.#document ??= (
      await this.api.inject({ url: '/openapi.json', headers: { host: 'localhost' } })
    ).json() as OpenApi
    return this.#document
  }

  async #check(method: string, url: string, response: LightMyRequestResponse): Promise<void> {
    const document = await this.document()
    const path = url.split('?')[0] ?? ''
    const known = Object.keys(document.paths).find((template) =>
      new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`).test(path)
    )
    const operation = known === undefined ? undefined : document.paths[known]?.[method.toLowerCase()]
    if (!operation) return
    const declared = operation.responses[String(response.statusCode)]
    ok(declared, `${method} ${known} answers ${response.statusCode}, which its OpenAPI does not say`)
    if (response.statusCode === 204) return
    const type = String(response.headers['content-type']).split(';')[0] ?? ''
    const media = declared.content?.[type]
    ok(media, `${method} ${known} answers ${response.statusCode} as ${type}, which its OpenAPI does not say`)
    if (!type.endsWith('json') || type.endsWith('ndjson')) return
    const body = response.json() as { code?: string }
    const validate = compiled(document, media.schema)
    validate(body)
    deepStrictEqual(validate.errors ?? [], [], `${method} ${known}`)
    if (response.statusCode >= 400)
      ok(
        declared.description.includes(`\`${body.code}\``),
        `${method} ${known} answers ${body.code}, which its OpenAPI does not say`
      )
  }
}

export interface OpenApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema: object
  }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> }
  readonly responses: Record<
    string,
    {
      readonly description: string
      readonly content?: Record<
        string,
        { readonly schema: object; readonly examples?: Record<string, { readonly value: unknown }> }
      >
    }
  >
}

export interface OpenApi {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Record<string, Record<string, OpenApiOperation>>
  readonly components: { readonly schemas: Record<string, object> }
}
