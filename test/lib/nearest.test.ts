import { strictEqual } from 'node:assert'
import { test } from 'node:test'
import { editDistance, nearest } from '../../src/lib/nearest.ts'

test('the distance counts letters put in, taken out, replaced and swapped', () => {
  strictEqual(editDistance('level', 'level'), 0)
  strictEqual(editDistance('levl', 'level'), 1)
  strictEqual(editDistance('prot', 'port'), 1)
  strictEqual(editDistance('', 'abc'), 3)
  strictEqual(editDistance('kitten', 'sitting'), 3)
})

test('the nearest name is found without regard to case, and nothing is said when none is near', () => {
  strictEqual(nearest('Serv', ['serve', 'send', 'events']), 'serve')
  strictEqual(nearest('zzzzzz', ['serve', 'send']), undefined)
  strictEqual(nearest('x', []), undefined)
})
