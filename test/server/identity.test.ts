import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkIdentity, parseIdentity } from '../../src/server/identity.ts'

const found: readonly (readonly [why: string, url: string, id: string, path?: string])[] = [
  ['plain', '/ocpp/CP-1', 'CP-1'],
  ['percent-encoded (rule 2)', '/ocpp/RDAM%20123', 'RDAM 123'],
  ['a pipe (rule 2)', '/ocpp/RDAM%7C123', 'RDAM|123'],
  ['a bare pipe', '/ocpp/RDAM|123', 'RDAM|123'],
  ['beyond ASCII', '/ocpp/%C3%A9', 'é'],
  ['an encoded slash', '/ocpp/site%2Fcp', 'site/cp'],
  ['a colon, which 1.6 allows', '/ocpp/a:b', 'a:b'],
  ['a plus is a plus', '/ocpp/a+b', 'a+b'],
  ['trailing slash (quirk 5)', '/ocpp/CP-1/', 'CP-1'],
  ['query (quirk 5)', '/ocpp/CP-1?token=a/b', 'CP-1'],
  ['fragment', '/ocpp/CP-1#x', 'CP-1'],
  ['doubled slashes (quirk 4)', '//ocpp//CP-1', 'CP-1'],
  ['absolute-form (quirk 4)', 'ws://gateway:8080/ocpp/CP-1', 'CP-1'],
  ['absolute-form in capitals', 'HTTP://gateway/ocpp/CP-1', 'CP-1'],
  ['doubled path (quirk 4)', '/ocpp/ocpp/CP-1', 'CP-1'],
  ['doubled id (quirk 4)', '/ocpp/CP-1/CP-1', 'CP-1'],
  ['doubled path and id (quirk 4)', '/ocpp/CP-1/ocpp/CP-1', 'CP-1'],
  ['an id that equals the path', '/ocpp/ocpp', 'ocpp'],
  ['255 characters', `/ocpp/${'x'.repeat(255)}`, 'x'.repeat(255)],
  ['a path of two segments', '/a/b/CP-1', 'CP-1', '/a/b/'],
  ['no path', '/CP-1', 'CP-1', '/'],
  ['dots in an id', '/ocpp/..CP', '..CP']
]

const refused: readonly (readonly [why: string, url: string, code: string, detail?: RegExp])[] = [
  ['another path', '/other/CP-1', 'no_such_path'],
  ['the path in another case', '/OCPP/CP-1', 'no_such_path'],
  ['the path as a prefix of a segment', '/ocpp2/CP-1', 'no_such_path'],
  ['nothing', '/', 'no_such_path'],
  ['an empty target', '', 'no_such_path'],
  ['an authority alone', 'ws://host', 'no_such_path'],
  ['an asterisk', '*', 'no_such_path'],
  ['no id (quirk 5)', '/ocpp', 'no_identity'],
  ['an empty id (quirk 5)', '/ocpp/', 'no_identity'],
  ['an empty id with a query', '/ocpp//?id=CP-1', 'no_identity'],
  ['broken percent-encoding (known failure A8)', '/ocpp/%ZZ', 'bad_identity', /percent-encoding/],
  ['a lone percent sign', '/ocpp/%', 'bad_identity', /percent-encoding/],
  ['encoded bytes that are not UTF-8', '/ocpp/%ff%fe', 'bad_identity', /UTF-8/],
  ['an encoded surrogate', '/ocpp/%ED%A0%80', 'bad_identity', /UTF-8/],
  ['bytes that were not encoded', '/ocpp/\u00c3\u00a9', 'bad_identity', /ASCII/],
  ['NUL', '/ocpp/CP%00', 'bad_identity', /control/],
  ['a line break', '/ocpp/CP%0A1', 'bad_identity', /control/],
  ['C1 control', '/ocpp/CP%C2%85', 'bad_identity', /control/],
  ['a right-to-left override', '/ocpp/CP%E2%80%AE1', 'bad_identity', /control/],
  ['blanks alone', '/ocpp/%20%20', 'bad_identity', /blank/],
  ['a dot', '/ocpp/.', 'bad_identity', /dot/],
  ['two dots', '/ocpp/%2E%2E', 'bad_identity', /dot/],
  ['256 characters', `/ocpp/${'x'.repeat(256)}`, 'bad_identity', /255/],
  ['a bare slash inside the id', '/ocpp/site/CP-1', 'bad_identity', /%2F/],
  ['more after a repeat', '/ocpp/CP-1/CP-1/CP-1', 'bad_identity', /%2F/]
]

for (const [why, url, id, path = '/ocpp'] of found)
  test(`an id is found: ${why}`, () => deepStrictEqual(parseIdentity(url, path), { ok: true, chargePointId: id }))

for (const [why, url, code, detail = /^$/] of refused)
  test(`a URL is refused as ${code}: ${why}`, () => {
    const parsed = parseIdentity(url, '/ocpp')
    strictEqual(parsed.ok, false)
    if (parsed.ok) return
    strictEqual(parsed.refusal.code, code)
    match(parsed.refusal.detail ?? '', detail)
  })

test('no request target makes the parser throw, and what it finds is printable', () => {
  const bytes = fc.string({
    unit: fc.constantFrom('/', '%', 'Z', '0', '2', 'f', '?', '#', ':', '.', 'ocpp', '\u0000', 'ÿ')
  })
  fc.assert(
    fc.property(fc.oneof(fc.string(), bytes), (url) => {
      const parsed = parseIdentity(url, '/ocpp')
      return !parsed.ok || (parsed.chargePointId.trim() !== '' && !/\p{Cc}/u.test(parsed.chargePointId))
    }),
    { numRuns: 5000 }
  )
})

test('every id survives the way through the URL', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), (id) => {
      fc.pre(!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(id) && id.trim() !== '' && id !== '.' && id !== '..')
      deepStrictEqual(parseIdentity(`/ocpp/${encodeURIComponent(id)}`, '/ocpp'), { ok: true, chargePointId: id })
    })
  )
})

test('OCPP 2.x limits an id to 48 characters without a colon; 1.6 does not (rule 3)', () => {
  strictEqual(checkIdentity('x'.repeat(49), '1.6'), undefined)
  strictEqual(checkIdentity('a:b', '1.6'), undefined)
  strictEqual(checkIdentity('x'.repeat(48), '2.0.1'), undefined)
  for (const version of ['2.0.1', '2.1'] as const) {
    strictEqual(checkIdentity('x'.repeat(49), version)?.code, 'bad_identity')
    strictEqual(checkIdentity('a:b', version)?.code, 'bad_identity')
  }
})
