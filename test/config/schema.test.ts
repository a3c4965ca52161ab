import { deepStrictEqual, match, notDeepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { type Loaded, loadConfig } from '../../src/config/load.ts'
import { type Config, type ConfigKey, configKeys, groups, schema } from '../../src/config/schema.ts'
import { parseDuration } from '../../src/lib/duration.ts'
import { parseSize } from '../../src/lib/size.ts'
import { type Alternative, alternatives } from './every-key.ts'

const settings = configKeys.filter(({ fileOf }) => fileOf === undefined)

interface Given {
  readonly argv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

function load({ argv = [], env = {}, files = {} }: Given): Extract<Loaded, { ok: true }> {
  const loaded = loadConfig({
    argv,
    env,
    hostName: 'gw-host',
    readFile: (file) => {
      const text = files[file]
      if (text === undefined) throw Object.assign(new Error(file), { code: 'ENOENT' })
      return text
    }
  })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  return loaded
}

function valueAt(config: Config, { member: [group, name] }: ConfigKey): unknown {
  const members = group === '' ? config : config[group as keyof Config]
  return (members as unknown as Record<string, unknown>)[name]
}

function alternativeOf(key: ConfigKey): Alternative {
  const alternative = alternatives[key.name]
  ok(alternative, `${key.name} has no entry in test/config/every-key.ts`)
  return alternative
}

function needsOf(alternative: Alternative): string[] {
  return Object.entries(alternative.needs ?? {}).map(([name, value]) => `--${name}=${value}`)
}

/** The key alone in a YAML file. */
function yamlOf(key: ConfigKey, { written }: Alternative): string {
  const isList = key.setting.kind === 'list' || key.setting.kind === 'tokens'
  const value = isList ? `[${written}]` : written
  return key.group === '' ? `${key.name}: ${value}\n` : `${key.name.replace('.', ':\n  ')}: ${value}\n`
}

test('every key has one sentence of description, what it expects, and a default or none at all', () => {
  for (const { name, setting } of configKeys) {
    match(setting.description, /^\S.*[.]$/, name)
    ok(setting.expected.length > 3, name)
    const optional = setting.value.safeParse(undefined).success
    ok(setting.default !== undefined || setting.defaultFrom !== undefined || optional, `${name} has no default`)
  }
})

test('every default is valid and within its own range', () => {
  for (const { name, setting } of settings.filter(({ setting: { default: preset } }) => preset !== undefined))
    ok(setting.value.safeParse(setting.default).success, `${name}: ${String(setting.default)}`)
})

test('every range ends where its message says', () => {
  const parse = { duration: parseDuration, size: parseSize, integer: Number } as const
  const written = {
    duration: (ms: number) => `${ms}ms`,
    size: (bytes: number) => `${bytes}B`,
    integer: (n: number) => n
  }
  let ranges = 0
  for (const { name, setting } of settings) {
    if (setting.kind !== 'duration' && setting.kind !== 'size' && setting.kind !== 'integer') continue
    const [, min = '', max = ''] = / from (\S+) to (\S+)$/.exec(setting.expected) ?? []
    const [first, last] = [parse[setting.kind](min) ?? Number.NaN, parse[setting.kind](max) ?? Number.NaN]
    const takes = (value: number): boolean => setting.value.safeParse(written[setting.kind as 'size'](value)).success
    deepStrictEqual([takes(first - 1), takes(first), takes(last), takes(last + 1)], [false, true, true, false], name)
    ranges++
  }
  ok(ranges > 30)
})

test('no two keys share a name, a variable or a place in Config', () => {
  for (const name of [(key: ConfigKey) => key.name, (key: ConfigKey) => key.env])
    strictEqual(new Set(configKeys.map(name)).size, configKeys.length)
  strictEqual(new Set(settings.map(({ member }) => member.join('.'))).size, settings.length)
})

test('every group is described', () => {
  const written = Object.entries(schema).filter(([, entry]) => !('kind' in entry))
  deepStrictEqual(Object.keys(groups).sort(), written.map(([name]) => name).sort())
})

test('every key has an alternative value in the list, and the list has no key that is gone', () => {
  deepStrictEqual(Object.keys(alternatives).sort(), settings.map(({ name }) => name).sort())
})

// Known failure E1: 24 of 61 keys had no effect.
test('every key, set by file, variable or flag, changes its own member of Config and no other', () => {
  for (const key of settings) {
    const alternative = alternativeOf(key)
    const argv = needsOf(alternative)
    const before = load({ argv: key.name in (alternative.needs ?? {}) ? argv : [] }).config
    const sources: readonly Given[] = [
      { argv, files: { 'gateway.yaml': yamlOf(key, alternative) } },
      { argv, env: { [key.env]: alternative.written } },
      { argv: [...argv, `--${key.name}`, alternative.written] }
    ]
    for (const source of sources) {
      const { config } = load(source)
      deepStrictEqual(valueAt(config, key), alternative.parsed, key.name)
      notDeepStrictEqual(valueAt(before, key), alternative.parsed, `${key.name}: the alternative is the default`)
      const changed = settings.filter(
        (other) => JSON.stringify(valueAt(config, other)) !== JSON.stringify(valueAt(before, other))
      )
      const expected = [key.name, ...Object.keys(alternative.needs ?? {})].sort()
      deepStrictEqual(changed.map(({ name }) => name).sort(), expected)
    }
  }
})

test('every secret can come from a file', () => {
  const secrets = settings.filter(({ setting }) => setting.secret)
  strictEqual(secrets.length, 4)
  for (const key of secrets) {
    const alternative = alternativeOf(key)
    const needs = Object.entries(alternative.needs ?? {}).flatMap(([name, value]) => [`--${name}`, value])
    const { config } = load({
      argv: [`--${key.name}_file`, '/run/x', ...needs],
      files: { '/run/x': `${alternative.written}\n` }
    })
    deepStrictEqual(valueAt(config, key), alternative.parsed)
  }
})

test('every key refuses a value of a wrong kind from every source', () => {
  const wrong = '\u0001 not a value \u0001'
  const takesAnyText = ['data_dir', 'log.output', 'authority.allow_list_file']
  for (const key of settings.filter(({ name }) => !takesAnyText.includes(name))) {
    const loaded = loadConfig({ argv: [`--${key.name}=${wrong}`], env: {}, hostName: 'h', readFile: () => '' })
    ok(!loaded.ok, key.name)
    match(loaded.faults[0]?.text ?? '', / is not valid; expected /)
  }
})
