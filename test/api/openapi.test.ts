import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { Harness } from './support/harness.ts'

const routes = [
  'delete /v1/charge-points/{id}/connection',
  'delete /v1/commands/{id}',
  'delete /v1/consumers/{name}',
  'get /health/live',
  'get /health/ready',
  'get /metrics',
  'get /v1/charge-points',
  'get /v1/charge-points/{id}',
  'get /v1/charge-points/{id}/commands',
  'get /v1/commands/{id}',
  'get /v1/consumers',
  'get /v1/consumers/{name}',
  'get /v1/events',
  'get /v1/node',
  'get /v1/problems',
  'get /v1/problems/{code}',
  'get /v1/schemas',
  'get /v1/schemas/{type}',
  'get /v1/transactions',
  'post /v1/charge-points/{id}/commands',
  'put /v1/consumers/{name}'
]

function refsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) =>
    key === '$ref' && typeof member === 'string' ? [member] : refsOf(member)
  )
}

test('the OpenAPI document lists every route, each with summary, answers and problems', async () => {
  const document = await new Harness().document()
  match(document.openapi, /^3\.1\./)
  const listed = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`)
  )
  deepStrictEqual(listed.sort(), routes)
  const operations = Object.values(document.paths).flatMap((item) => Object.values(item))
  strictEqual(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
  for (const { operationId, summary, responses } of operations) {
    ok(summary.length > 10, operationId)
    ok(
      Object.keys(responses).some((status) => status.startsWith('2')),
      operationId
    )
    ok(responses['500']?.content?.['application/problem+json'], operationId)
  }
})

test('every path parameter of the OpenAPI document is declared and required', async () => {
  const document = await new Harness().document()
  for (const [path, item] of Object.entries(document.paths)) {
    const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name)
    for (const { operationId, parameters = [] } of Object.values(item)) {
      const declared = parameters.filter((parameter) => parameter.in === 'path')
      deepStrictEqual(
        declared.map(({ name }) => name),
        inPath,
        operationId
      )
      ok(
        declared.every(({ required }) => required),
        operationId
      )
    }
  }
})

test('every reference of the OpenAPI document resolves, every schema compiles, every example is valid', async () => {
  const document = await new Harness().document()
  for (const reference of refsOf(document)) {
    const name = reference.replace('#/components/schemas/', '')
    ok(Object.hasOwn(document.components.schemas, name), reference)
  }
  const ajv = new Ajv2020({ strict: false })
  formats.default(ajv)
  ajv.addSchema({ $id: 'doc', components: document.components })
  const bound = (schema: object): object =>
    JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"doc#/components')) as object
  for (const operation of Object.values(document.paths).flatMap((item) => Object.values(item))) {
    for (const { schema } of operation.parameters ?? []) ajv.compile(bound(schema))
    for (const { schema } of Object.values(operation.requestBody?.content ?? {})) ajv.compile(bound(schema))
    for (const [status, { content = {} }] of Object.entries(operation.responses)) {
      for (const { schema, examples = {} } of Object.values(content)) {
        const validate = ajv.compile(bound(schema))
        const values = Object.values(examples)
        ok(values.length > 0, `${operation.operationId} ${status} has an example`)
        for (const { value } of values)
          strictEqual(validate(value), true, `${operation.operationId} ${status}: ${ajv.errorsText(validate.errors)}`)
      }
    }
  }
})

test('the documentation page is served, also when the API needs a token', async () => {
  const harness = new Harness({ tokens: ['t'] })
  const page = await harness.api.inject({ url: '/docs/' })
  strictEqual(page.statusCode, 200)
  match(page.body, /swagger-ui/)
  strictEqual((await harness.api.inject({ url: '/openapi.json' })).statusCode, 200)
})

test('the documentation page bears our name, and who comes to / is led there', async () => {
  const { api } = new Harness({ tokens: ['t'] })
  const root = await api.inject({ url: '/' })
  deepStrictEqual([root.statusCode, root.headers.location], [302, '/docs'])
  const page = await api.inject({ url: '/docs' })
  match(page.body, /<title>charge-point-gateway<\/title>/)
  const start = await api.inject({ url: '/docs/static/swagger-initializer.js' })
  const logo = /data:image\/svg\+xml;base64,([\w+/=]+)/.exec(start.body)?.[1] ?? ''
  match(Buffer.from(logo, 'base64').toString(), /<text [^>]*>charge-point-gateway<\/text>/)
})
