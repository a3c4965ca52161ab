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

test('an absent fact is an absent member; zero, empty and false are facts', () => {
  const thing = present<Thing>({ zero: 0, empty: '', no: false, absent: undefined, list: [] })
  deepStrictEqual(thing, { zero: 0, empty: '', no: false, list: [] })
  deepStrictEqual(Object.keys(thing), ['zero', 'empty', 'no', 'list'])
})
