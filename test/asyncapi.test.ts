import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Parser } from '@asyncapi/parser'
import { asyncApi } from '../scripts/generate-asyncapi.ts'

const source = 'schemas/asyncapi.json'
const index: { types: Record<string, object> } = JSON.parse(readFileSync('schemas/events/index.json', 'utf8'))

/** What the official parser makes of a document that lies where ours does, and finds wrong with it. */
async function parse(text: string) {
  const { document, diagnostics } = await new Parser().parse(text, { source })
  // 3.0 is what tools know; that there is a newer one is no fault.
  const faults = diagnostics.filter(({ code }) => code !== 'asyncapi-latest-version')
  return { document, problems: faults.map(({ code, message, path }) => `${code} ${path.join('.')}: ${message}`) }
}

test('the official parser finds nothing wrong with the document of the topics', async () => {
  const { document, problems } = await parse(readFileSync(source, 'utf8'))
  deepStrictEqual(problems, [])
  strictEqual(document?.version(), '3.0.0')
  deepStrictEqual(
    document
      .channels()
      .all()
      .map((channel) => channel.address()),
    ['ocpp-events-up', 'commands-down', 'commands-down-dead']
  )
})

test('every event type is a message of the events topic, with its data, headers and key', async () => {
  const { document } = await parse(readFileSync(source, 'utf8'))
  const messages = document?.channels().get('events')?.messages().all() ?? []
  deepStrictEqual(
    messages.map((message) => message.name()),
    Object.keys(index.types)
  )
  for (const message of messages) {
    const name = message.name() ?? ''
    strictEqual(message.contentType(), 'application/cloudevents+json; charset=UTF-8')
    ok(message.headers()?.properties()?.ce_id, name)
    ok(message.bindings().get('kafka')?.value().key, name)
    const [envelope, own] = message.payload()?.allOf() ?? []
    ok(envelope?.properties()?.sequence)
    strictEqual(own?.properties()?.type?.const(), name)
    // Resolved from its file, not merely named.
    ok(Object.keys(own?.properties()?.data?.properties() ?? {}).length > 0, name)
  }
})

test('the parser is one that finds faults', async () => {
  const broken = asyncApi({ types: { 'no.such': { file: 'no.such.json' } } }, '1.0.0')
  ok((await parse(JSON.stringify(broken))).problems.length > 0)
})
