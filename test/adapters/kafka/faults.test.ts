import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { AuthenticationError, MultipleErrors, NetworkError, ProtocolError, UserError } from '@platformatic/kafka'
import { explain, isFenced, isUnreachable, partsOf, saysBroker, shrink } from '../../../src/adapters/kafka/faults.ts'

const connection = {
  brokers: ['kafka-1:9092', 'kafka-2:9092'],
  clientId: 'gw-0',
  sasl: { mechanism: 'SCRAM-SHA-512', username: 'gateway', password: 'secret' }
} as const
const said = (error: unknown) => explain(error, connection, 'ocpp-events-up')
const wrapped = (cause: Error) =>
  new MultipleErrors('produce failed 3 times.', [
    new MultipleErrors('Cannot connect to any broker.', [
      new NetworkError('Connection to kafka-1:9092 failed.', { cause })
    ])
  ])

test('a refused login is a matter of settings, however deep the library wraps it, and no secret is told', () => {
  const error = new AuthenticationError('SASL authentication failed.', {
    cause: new ProtocolError('SASL_AUTHENTICATION_FAILED')
  })
  const { kind, detail } = said(wrapped(error))
  strictEqual(kind, 'misconfigured')
  match(detail, /user name or password of "gateway"/)
  ok(!detail.includes('secret'))
})

test('a connection that closes within the login is an outage, not a wrong password', () => {
  const error = new AuthenticationError('Cannot find a suitable SASL mechanism.', {
    cause: new NetworkError('Connection closed')
  })
  strictEqual(said(wrapped(error)).kind, 'down')
})

test('a missing topic and a missing right name the topic and what to do', () => {
  match(
    said(new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION')).detail,
    /"ocpp-events-up" does not exist.*kafka\.create_topics/
  )
  match(
    said(new ProtocolError('TOPIC_AUTHORIZATION_FAILED')).detail,
    /"gateway" may not use the topic "ocpp-events-up"/
  )
  match(said(new ProtocolError('GROUP_AUTHORIZATION_FAILED')).detail, /consumer group/)
})

test('all brokers away tells what was tried', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:9092'), {
    code: 'ECONNREFUSED',
    syscall: 'connect'
  })
  const { kind, detail } = said(wrapped(refused))
  strictEqual(kind, 'down')
  match(detail, /tried kafka-1:9092, kafka-2:9092 \(connect ECONNREFUSED/)
  match(detail, /check kafka\.brokers/)
  ok(isUnreachable(wrapped(refused)))
})

test('brokers that had let this client in are told as away, and no setting is blamed', () => {
  for (const error of [
    new NetworkError('Connection closed'),
    new UserError('TLS handshake failed. Please verify the broker supports TLS.')
  ]) {
    const { kind, cause, detail = '' } = said(wrapped(error)).onceIn ?? {}
    deepStrictEqual([kind, cause], ['down', 'unreachable'])
    match(detail, /^Kafka went away; tried kafka-1:9092, kafka-2:9092 .*; see whether the brokers run/)
    ok(!/kafka\.|TLS or/.test(detail), detail)
  }
  strictEqual(said(wrapped(new UserError('Broker requires TLS.'))).onceIn, undefined)
})

test('too few replicas are an outage that is named', () => {
  match(said(new ProtocolError('NOT_ENOUGH_REPLICAS')).detail, /min\.insync\.replicas/)
  match(said(new ProtocolError('KAFKA_STORAGE_ERROR')).detail, /Kafka answers KAFKA_STORAGE_ERROR/)
})

test('what ends a generation is told from what may pass', () => {
  for (const id of ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS'] as const)
    ok(isFenced(new MultipleErrors('commit', [new ProtocolError(id)])), id)
  ok(!isFenced(new ProtocolError('COORDINATOR_NOT_AVAILABLE')))
  ok(!isFenced(new NetworkError('Connection closed')))
})

test('an error that was read holds nothing any more, so that a long outage costs no memory', () => {
  const error = wrapped(new ProtocolError('SASL_AUTHENTICATION_FAILED'))
  ok([...partsOf(error)].length > 3)
  shrink(error)
  strictEqual([...partsOf(error)].length, 1)
  strictEqual(error.stack, '')
  ok(!saysBroker(error, 'SASL_AUTHENTICATION_FAILED'))
})

test('what is no error of the library is explained as well', () => {
  for (const odd of [undefined, null, 'text', new Error(''), new TypeError('x is not a function')])
    strictEqual(said(odd).kind, 'down')
})
