import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { Producer, stringSerializers } from '@platformatic/kafka'
import { type Kafka, startKafka } from '../../scripts/services/kafka/kafka.ts'
import type { GatewayEvent } from '../../src/events/envelope.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { readTopic, until } from '../support/kafka-records.ts'
import { Station } from '../support/station.ts'

// examples/consumer as its README says to run it, against a real broker and a real gateway.

const topics = {
  'ocpp-events-up': { partitions: 3 },
  'commands-down': { partitions: 2 },
  'commands-down-dead': { partitions: 1 }
}
let kafka: Kafka
let gateway: GatewayProcess
before(async () => {
  kafka = await startKafka({ topics })
  gateway = await new GatewayProcess(['--log.level', 'error', '--kafka.brokers', kafka.addresses().join(',')]).start()
})
after(async () => {
  await gateway?.remove()
  await kafka?.close()
})

interface Example {
  readonly child: ChildProcess
  readonly events: GatewayEvent[]
  said: string
}

function runExample(...args: readonly string[]): Example {
  const brokers = kafka.addresses().join(',')
  const child = spawn(process.execPath, ['examples/consumer/main.ts', '--brokers', brokers, ...args])
  const example: Example = { child, events: [], said: '' }
  let rest = ''
  child.stdout.on('data', (chunk) => {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    example.events.push(...lines.map((line) => JSON.parse(line) as GatewayEvent))
  })
  child.stderr.on('data', (chunk) => {
    example.said += String(chunk)
  })
  return example
}

test('it sends a command and ends with its outcome, having read every event once', async () => {
  const station = await Station.connect({ url: gateway.url, id: 'CP-1' })
  await station.boot()
  const example = runExample('--send', 'CP-1', 'Reset', '{ "type": "Soft" }')
  const [code] = await once(example.child, 'exit')
  strictEqual(code, 0, example.said)
  deepStrictEqual(
    station.received.map(({ action, payload }) => ({ action, payload })),
    [{ action: 'Reset', payload: { type: 'Soft' } }]
  )
  const outcome = example.events.at(-1)
  strictEqual(outcome?.type, 'command.outcome')
  const data = outcome.data as { outcome: string; requestedBy: string }
  deepStrictEqual({ outcome: data.outcome, by: data.requestedBy }, { outcome: 'accepted', by: 'example' })
  strictEqual(new Set(example.events.map(({ id }) => id)).size, example.events.length)
  ok(example.events.some(({ type }) => type === 'charge_point.booted'))
  strictEqual(example.said, '')
  await station.close()
})

test('repeats are taken once, and a gap is told', async () => {
  const example = runExample('--group', 'second')
  try {
    const inTopic = await readTopic(kafka.addresses(), 'ocpp-events-up')
    await until(
      'it has read what there is',
      () => example.events.length >= new Set(inTopic.map(({ value }) => value)).size
    )
    const before = example.events.length
    // A producer that repeats the last event of an epoch, and one that leaves two out.
    const last = example.events.findLast(({ sequence }) => sequence !== undefined)
    ok(last?.sequence)
    const number = Number(last.sequence.slice(11))
    const later = {
      ...last,
      id: 'later',
      sequence: `${last.sequence.slice(0, 11)}${String(number + 3).padStart(10, '0')}`
    }
    const producer = new Producer({
      clientId: 't',
      bootstrapBrokers: kafka.addresses(),
      serializers: stringSerializers
    })
    const partition = inTopic.find(({ key }) => key === last.subject)?.partition ?? 0
    const message = (event: object) => ({
      topic: 'ocpp-events-up',
      partition,
      key: last.subject,
      value: JSON.stringify(event)
    })
    await producer.send({ messages: [message(last), message(last), message(later)] })
    await producer.close()
    await until('it tells the gap', () => example.said !== '')
    match(
      example.said,
      new RegExp(`^/charge-points/CP-1 epoch ${last.epoch}: ${number + 1} to ${number + 2} are missing\n$`)
    )
    await until('it has taken the later one', () => example.events.length > before)
    deepStrictEqual(
      example.events.slice(before).map(({ id }) => id),
      ['later']
    )
  } finally {
    example.child.kill('SIGKILL')
  }
})
