import { doesNotThrow } from 'node:assert'
import { test } from 'node:test'
import { Connection } from '@platformatic/kafka'
import '../../../src/adapters/kafka/connection-options.ts'

test('a connection of the library that fails more than once ends nobody else', () => {
  const connection = new Connection('test')
  doesNotThrow(() => {
    connection.emit('error', new Error('first'))
    connection.emit('error', new Error('second'))
  })
})
