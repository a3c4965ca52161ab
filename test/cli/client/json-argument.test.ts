import { match, strictEqual, throws } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsonObjectArgument } from '../../../src/cli/client/json-argument.ts'

const example = `send CP-1 Reset '{"type":"Soft"}'`

function faultOf(text: string): string {
  let message = ''
  throws(
    () => jsonObjectArgument(text, example),
    (error: Error) => {
      message = error.message
      return true
    }
  )
  return message
}

test('JSON that is broken is shown where', () => {
  strictEqual(
    faultOf('{"type": Soft}'),
    `The data is not JSON, this cannot stand there, line 1, column 10:\n  {"type": Soft}\n           ^\nIt has to be like ${example}`
  )
  match(faultOf('{"a":1,\n "b":tru}'), /line 2, column 6:\n {3}"b":tru}\n {7}\^/)
  match(faultOf('{"a":1} x'), /line 1, column 9/)
  match(faultOf('{"a":1'), /something is missing at the end, line 1, column 7/)
  match(faultOf('{"a":"\\x"}'), /line 1, column 6/)
  match(faultOf('{"a":01}'), /line 1, column 7/)
  match(faultOf('{"a":[1,]}'), /line 1, column 9/)
})

test('quotes that the shell took away are guessed', () => {
  match(faultOf('{type:Soft}'), /single quotes around it all keep the shell from taking them away: send CP-1 Reset/)
})

test('the data has to be an object', () => {
  for (const text of ['[]', '1', '"x"', 'null']) match(faultOf(text), /^The data has to be a JSON object, as in send/)
})

test('a fault is found in every text that JSON.parse refuses, and never in one that it takes', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.constantFrom('', 'x', ',', '"', '}', ':'), (text, at, inserted) => {
      const changed = text.slice(0, at % (text.length + 1)) + inserted + text.slice((at % (text.length + 1)) + 1)
      let valid = true
      try {
        JSON.parse(changed)
      } catch {
        valid = false
      }
      if (!valid) match(faultOf(changed), /The data is not JSON, .*, line \d+, column \d+/)
    })
  )
})
