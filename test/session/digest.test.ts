import { strictEqual } from 'node:assert'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { digestOf } from '../../src/session/digest.ts'

test('the digest is the first half of the SHA-256 of the text, whatever its length', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      strictEqual(digestOf(text), createHash('sha256').update(text).digest('hex').slice(0, 32))
    })
  )
})
