import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { NetworkError, ProtocolError, UserError } from '@platformatic/kafka'
import { explain } from '../../../src/adapters/kafka/faults.ts'
import { createStateHolder } from '../../../src/adapters/kafka/state.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

const connection = { brokers: ['kafka-1:9092'], clientId: 'gw-0' }
const fault = (error: Error) => explain(error, connection, 'events')
const refused = (port: number) =>
  fault(Object.assign(new Error(`connect ECONNREFUSED 10.0.0.1:${port}`), { syscall: 'connect' }))
const missing = fault(new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION'))
const denied = fault(new ProtocolError('TOPIC_AUTHORIZATION_FAILED'))

function holder() {
  const clock = new FakeClock()
  const logger = memoryLogger()
  const state = createStateHolder('Kafka topic events', { clock, logger })
  const told = () => logger.lines.map(({ fields }) => `${fields.state}: ${fields.detail ?? ''}`.slice(0, 40))
  return { clock, state, told, detail: () => state.current.detail ?? '' }
}

test('brokers that worked and went away are told as that, with no setting to look at', () => {
  const { state, detail } = holder()
  state.fail(refused(1))
  match(detail(), /^Kafka cannot be reached; .*check kafka\.brokers/)
  state.up()
  for (const error of [
    new NetworkError('Connection closed'),
    new UserError('Please verify the broker supports TLS.')
  ]) {
    state.fail(fault(error))
    strictEqual(state.current.kind, 'down')
    match(detail(), /^Kafka went away; tried kafka-1:9092 .*see whether the brokers run/)
  }
})

test('an answer that only a broker gives who has let the client in proves the settings as well', () => {
  const { state, detail } = holder()
  state.fail(fault(new ProtocolError('SASL_AUTHENTICATION_FAILED')))
  state.fail(refused(1))
  match(detail(), /check kafka\.brokers/)
  state.fail(missing)
  state.fail(refused(1))
  match(detail(), /went away/)
})

test('each new cause is a line, also of the same kind; the same one in other words is none', () => {
  const { clock, state, told, detail } = holder()
  state.fail(missing)
  clock.advance(1_000)
  state.fail(denied)
  state.fail(missing)
  state.fail(denied)
  strictEqual(state.current.sinceMs, clock.now() - 1_000)
  match(detail(), /may not use/, 'readiness tells what was said last')
  for (let port = 1; port < 100; port++) state.fail(refused(port))
  state.fail(fault(new ProtocolError('NOT_ENOUGH_REPLICAS')))
  state.fail(refused(7))
  const lines = [
    'misconfigured: The topic "events" does not exist',
    'misconfigured: The user "ANONYMOUS" may not use ',
    'down: Kafka went away; tried kafka-1:9092 (c',
    'down: The topic "events" has fewer in-sync replicas'
  ].map((line) => line.slice(0, 40))
  deepStrictEqual(told(), lines)
  state.up()
  state.up()
  state.fail(missing)
  deepStrictEqual(told().slice(lines.length), ['up: ', lines[0]])
})

test('the same cause of another topic that is told as one with it is a line', () => {
  const { state, told } = holder()
  state.fail(missing)
  state.fail(explain(new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION'), connection, 'dead'), 'dead')
  strictEqual(told().length, 2)
})
