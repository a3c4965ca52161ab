import { deepStrictEqual } from 'node:assert'
import { test } from 'node:test'
import { present } from '../../src/lib/present.ts'

interface Thing {
  readonly zero: number
  readonly empty?: string
  readonly no?: boolean
  readonly absent?: string
  readonly list?: readonly string[]
}

test('null says no more than absence', () => {
  deepStrictEqual(present<Thing>(JSON.parse('{ "zero": 0, "empty": null }')), { zero: 0 })
})

test('an absent fact is an absent member; zero, empty and false are facts', () => {
  const thing = present<Thing>({ zero: 0, empty: '', no: false, absent: undefined, list: [] })
  deepStrictEqual(thing, { zero: 0, empty: '', no: false, list: [] })
  deepStrictEqual(Object.keys(thing), ['zero', 'empty', 'no', 'list'])
})
