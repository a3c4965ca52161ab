import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { configExample, configJsonSchema, generatedConfigFiles } from '../../src/config/document.ts'
import { loadConfig } from '../../src/config/load.ts'
import { printConfig, printConfigJson } from '../../src/config/print.ts'
import { configKeys } from '../../src/config/schema.ts'

function loadText(text: string, env: Record<string, string> = {}, argv: string[] = []) {
  const loaded = loadConfig({ argv, env, hostName: 'gw-host', readFile: () => text })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  return loaded
}

test('the generated files are current', () => {
  for (const [path, text] of generatedConfigFiles())
    strictEqual(readFileSync(path, 'utf8'), text, `${path} is not current: npm run generate`)
})

test('the example as it is sets nothing', () => {
  const { values } = loadText(configExample())
  ok(values.every(({ origin }) => origin === 'default'))
})

test('the example with every key uncommented sets every key to its default', () => {
  const text = configExample()
    .replaceAll(/^# yaml-language-server.*$/gm, '')
    .replaceAll(/^# /gm, '')
  // What other keys of the example need to have an effect.
  const needed = {
    'authority.mode': 'allow_list',
    'kafka.brokers': 'kafka:9092',
    'kafka.sasl_mechanism': 'plain',
    'kafka.tls': 'true',
    'redis.url': 'rediss://redis:6379'
  }
  const { values } = loadText(
    text,
    {},
    Object.entries(needed).flatMap(([key, value]) => [`--${key}`, value])
  )
  for (const { key, written, origin } of values) {
    if (key.name in needed) continue
    ok(origin.startsWith('gateway.yaml:'), `${key.name} is missing`)
    deepStrictEqual(written, key.setting.default ?? key.setting.example)
  }
})

test('the JSON Schema takes what the loader takes and names every key', () => {
  const schema = JSON.parse(configJsonSchema())
  const validate = new Ajv({ strict: false }).compile(schema)
  ok(validate({}))
  ok(validate({ server: { port: 9000, ping_interval: '30s' }, api: { tokens: ['a', { name: 'b', token: 'c' }] } }))
  ok(!validate({ server: { prot: 1 } }))
  ok(!validate({ server: { ping_interval: 30 } }))
  ok(!validate({ log: { level: 'loud' } }))
  for (const { name, setting } of configKeys) {
    const [group = '', key] = name.split('.')
    const found = key === undefined ? schema.properties[group] : schema.properties[group].properties[key]
    strictEqual(found?.description, setting.description, name)
    deepStrictEqual(found.default, setting.default, name)
  }
})

test('config print is YAML with origins, without secrets, and loads to the same values', () => {
  const { values } = loadText('log:\n  level: debug\n', { CPG_SERVER_DEFAULT_VERSION: '1.6', CPG_NODE_ID: '007' })
  const printed = printConfig(values)
  ok(/^ {2}level: debug +# gateway\.yaml:2$/m.test(printed))
  ok(/^ {2}default_version: "1\.6" +# CPG_SERVER_DEFAULT_VERSION$/m.test(printed))
  const again = loadText(printed).values
  deepStrictEqual(
    again.map(({ key, written }) => [key.name, written]),
    values.map(({ key, written }) => [key.name, written])
  )
})

test('config print masks secrets, in both forms', () => {
  const { values } = loadText('', { CPG_API_TOKENS: 'ops:hush1,hush2', CPG_API_METRICS_TOKEN: 'hush3' })
  for (const printed of [printConfig(values), printConfigJson(values)]) {
    ok(!printed.includes('hush'))
    ok(printed.includes('***'))
  }
})

test('config print masks a password within a URL', () => {
  const { values } = loadText('', { CPG_REDIS_URL: 'redis://gateway:hush@redis:6379' })
  for (const printed of [printConfig(values), printConfigJson(values)]) {
    ok(!printed.includes('hush'))
    ok(printed.includes('redis://gateway:***@redis:6379'))
  }
})
