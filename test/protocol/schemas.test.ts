import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { payloadTypes, payloadVersions } from '../../scripts/generate-payload-types.ts'
import { isChargePointCall, isChargePointSend } from '../../src/protocol/actions.ts'
import { schemaCorrections } from '../../src/protocol/schema-corrections.ts'
import { loadSchemas } from '../../src/protocol/schemas.ts'
import { v16ChargePointActions } from '../../src/protocol/v16.ts'
import { v21ChargePointActions, v21ChargePointSends } from '../../src/protocol/v21.ts'
import { v201ChargePointActions } from '../../src/protocol/v201.ts'
import { createValidator } from '../../src/protocol/validate.ts'
import { ocppVersions } from '../../src/protocol/version.ts'

test('each version has all its schemas: 78, 128 and 181', () => {
  deepStrictEqual(
    ocppVersions.map((version) => loadSchemas(version).length),
    [78, 128, 181]
  )
  deepStrictEqual(
    ocppVersions.map((version) => createValidator(version).schemas),
    [78, 128, 181]
  )
})

test('every action has a request and a response, but for the SEND', () => {
  for (const version of ocppVersions) {
    const schemas = loadSchemas(version)
    const responses = new Set(schemas.filter(({ part }) => part === 'response').map(({ action }) => action))
    const without = schemas.filter(({ part, action }) => part === 'request' && !responses.has(action))
    deepStrictEqual(
      without.map(({ action }) => action),
      version === '2.1' ? ['NotifyPeriodicEventStream'] : []
    )
  }
})

test('every action that a charge point may send has a schema', () => {
  const lists = { '1.6': v16ChargePointActions, '2.0.1': v201ChargePointActions, '2.1': v21ChargePointActions }
  for (const version of ocppVersions) {
    const requests = new Set(loadSchemas(version).map(({ action }) => action))
    deepStrictEqual(
      lists[version].filter((action) => !requests.has(action)),
      []
    )
    ok(lists[version].every((action) => isChargePointCall(version, action)))
  }
  deepStrictEqual(
    ocppVersions.map((version) => isChargePointSend(version, v21ChargePointSends[0])),
    [false, false, true]
  )
  strictEqual(isChargePointCall('2.1', v21ChargePointSends[0]), false)
})

test('the generated payload types are current: npm run generate', () => {
  for (const version of payloadVersions) {
    strictEqual(readFileSync(`src/protocol/generated/${version}.ts`, 'utf8'), payloadTypes(version), version)
  }
})

test('a correction leaves the package as it was published', () => {
  loadSchemas('1.6')
  const published = createRequire(import.meta.url)('ocpp-rpc/lib/schemas/ocpp1_6.json')
  strictEqual(JSON.stringify(published).includes('Hertz'), false)
})

test('each correction is in the schema, and changes it', () => {
  for (const { version, action, part, path, change } of schemaCorrections) {
    const schema = loadSchemas(version).find((named) => named.action === action && named.part === part)?.schema
    const place = path.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], schema) as {
      enum?: readonly string[]
      maxLength?: number
    }
    if ('maxLength' in change) strictEqual(place.maxLength, change.maxLength)
    else ok(change.addToEnum.every((value) => place.enum?.includes(value)))
  }
})

test('a certificate answer of 7500 characters passes in 2.0.1, and one more does not', () => {
  const validator = createValidator('2.0.1')
  const answer = (length: number) => ({ status: 'Accepted', exiResponse: 'x'.repeat(length) })
  strictEqual(validator.validateResponse('Get15118EVCertificate', answer(7500)).ok, true)
  strictEqual(validator.validateResponse('Get15118EVCertificate', answer(7501)).ok, false)
})

test('warming compiles what is left, one schema a step, and what charge points send first', () => {
  const validator = createValidator('1.6')
  validator.validateRequest('Heartbeat', {}, 'strict')
  const steps = [...validator.warm()]
  strictEqual(steps.length, 77)
  const sent = v16ChargePointActions.filter((action) => action !== 'Heartbeat')
  deepStrictEqual(steps.slice(0, sent.length).sort(), sent)
  strictEqual([...validator.warm()].length, 0)
})
