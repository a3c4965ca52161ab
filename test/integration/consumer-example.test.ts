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
    // A producer that tells the beginning of another epoch twice, and then leaves two events out.
    const known = example.events.findLast(({ sequence }) => sequence !== undefined)
    ok(known?.sequence && known.epoch)
    const prefix = known.sequence.slice(0, 11)
    const first = {
      ...known,
      id: 'first',
      type: 'charge_point.connected',
      epoch: known.epoch + 1,
      sequence: `${prefix}0000000001`
    }
    const later = { ...first, id: 'later', type: 'charge_point.booted', sequence: `${prefix}0000000004` }
    const producer = new Producer({
      clientId: 't',
      bootstrapBrokers: kafka.addresses(),
      serializers: stringSerializers
    })
    const partition = inTopic.find(({ key }) => key === known.subject)?.partition ?? 0
    const message = (event: object) => ({
      topic: 'ocpp-events-up',
      partition,
      key: known.subject,
      value: JSON.stringify(event)
    })
    await producer.send({ messages: [message(first), message(first), message(later)] })
    await producer.close()
    await until('it tells the gap', () => example.said !== '')
    match(example.said, new RegExp(`^/charge-points/CP-1 epoch ${first.epoch}: 2 to 3 are missing\n$`))
    const taken = () => example.events.filter(({ epoch }) => epoch === first.epoch).map(({ id }) => id)
    await until('it has taken the later one', () => taken().includes('later'))
    deepStrictEqual(taken(), ['first', 'later'])
  } finally {
    example.child.kill('SIGKILL')
  }
})
