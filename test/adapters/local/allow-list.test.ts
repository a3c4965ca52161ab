import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { type AllowList, parseAllowList } from '../../../src/adapters/local/allow-list.ts'

function listOf(text: string): AllowList {
  const parsed = parseAllowList(text)
  if (!parsed.ok) throw new Error(`line ${parsed.line}: ${parsed.detail}`)
  return parsed.list
}

test('a YAML list tells charge points and id tokens, plain or with status, expiry and parent', () => {
  const list = listOf(`
charge_points: [CP-1, "CP 2"]
id_tokens:
  - 04E8A1B2
  - { value: FLEET-7, status: blocked }
  - value: GUEST
    expires_at: 2027-01-31T12:00:00Z
    parent: HOTEL
`)
  deepStrictEqual([...(list.chargePoints ?? [])], ['CP-1', 'CP 2'])
  deepStrictEqual(
    [...(list.idTokens ?? [])],
    [
      ['04e8a1b2', { status: 'accepted' }],
      ['fleet-7', { status: 'blocked' }],
      ['guest', { status: 'accepted', expiresAtMs: Date.UTC(2027, 0, 31, 12), parent: 'HOTEL' }]
    ]
  )
})

test('JSON is read as well, with tabs or without', () => {
  const value = { charge_points: ['CP-1'], id_tokens: [{ value: 'TAG', status: 'expired' }, '77'] }
  for (const text of [JSON.stringify(value), JSON.stringify(value, null, '\t')]) {
    const list = listOf(text)
    deepStrictEqual([...(list.chargePoints ?? [])], ['CP-1'])
    deepStrictEqual([...(list.idTokens?.keys() ?? [])], ['tag', '77'])
  }
})

test('what looks like a number, a date or a truth value stays the text that it is', () => {
  const list = listOf('charge_points: [007, 1e3, 2026-01-01]\nid_tokens: [0421, 1_000, true, null, 0x1F]')
  deepStrictEqual([...(list.chargePoints ?? [])], ['007', '1e3', '2026-01-01'])
  deepStrictEqual([...(list.idTokens?.keys() ?? [])], ['0421', '1_000', 'true', 'null', '0x1f'])
})

test('a star stands for everybody', () => {
  const list = listOf('charge_points: "*"\nid_tokens: \'*\'')
  strictEqual(list.chargePoints, undefined)
  strictEqual(list.idTokens, undefined)
})

test('an empty list lists nobody', () => {
  const list = listOf('charge_points: []\nid_tokens: []')
  strictEqual(list.chargePoints?.size, 0)
  strictEqual(list.idTokens?.size, 0)
})

const broken: readonly (readonly [what: string, text: string, line: number, detail: RegExp])[] = [
  ['an empty file', '', 1, /not a mapping/],
  ['a list alone', '- CP-1', 1, /not a mapping/],
  ['a YAML error', 'charge_points: [CP-1\nid_tokens: []', 2, /./],
  ['an unknown key', 'charge_points: []\nid_tokens: []\nid_tags: []', 3, /unknown key 'id_tags'.*id_tokens/],
  ['an unknown member', 'charge_points: []\nid_tokens:\n  - { value: A, expires: x }', 3, /unknown key 'expires'/],
  ['a key twice', 'charge_points: []\nid_tokens: []\ncharge_points: []', 3, /unique/],
  ['no id tokens', 'charge_points: []', 1, /id_tokens is missing/],
  ['a star that is not alone', 'charge_points: all\nid_tokens: []', 1, /neither a list/],
  ['an id that is a list', 'charge_points:\n  - CP-1\n  - [CP-2]\nid_tokens: []', 3, /charge point id/],
  ['an empty id', 'charge_points:\n  - ""\nid_tokens: []', 2, /charge point id/],
  ['a bad status', 'charge_points: []\nid_tokens:\n  - value: A\n    status: fine', 4, /unknown status 'fine'/],
  ['a status of Object', 'charge_points: []\nid_tokens: [{ value: A, status: toString }]', 2, /unknown status/],
  [
    'a time without zone',
    'charge_points: []\nid_tokens: [{ value: A, expires_at: 2027-01-31T12:00:00 }]',
    2,
    /2027-01/
  ],
  [
    'a day that is none',
    'charge_points: []\nid_tokens: [{ value: A, expires_at: 2027-13-31T12:00:00Z }]',
    2,
    /2027-13/
  ],
  ['a token without value', 'charge_points: []\nid_tokens:\n  - status: blocked', 3, /no value/],
  ['a token twice', 'charge_points: []\nid_tokens:\n  - Abc\n  - aBC', 4, /listed twice/]
]
for (const [what, text, line, detail] of broken) {
  test(`${what} is told with its line`, () => {
    const parsed = parseAllowList(text)
    strictEqual(parsed.ok, false)
    if (parsed.ok) return
    strictEqual(parsed.line, line)
    match(parsed.detail, detail)
  })
}
