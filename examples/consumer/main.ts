/**
 * Reads the events of a charge-point-gateway from Kafka, each once, says where some are missing, and sends a command:
 *
 *   node main.ts --brokers 127.0.0.1:9092
 *   node main.ts --brokers 127.0.0.1:9092 --send CP-001 Reset '{ "type": "Soft" }'
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import {
  Consumer,
  compatibilityPartitioner,
  jsonDeserializer,
  ProduceAcks,
  Producer,
  stringDeserializer,
  stringSerializers
} from '@platformatic/kafka'
import { EventCheck, type GatewayEvent } from './event-check.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    brokers: { type: 'string', default: '127.0.0.1:9092' },
    group: { type: 'string', default: 'example-consumer' },
    events: { type: 'string', default: 'ocpp-events-up' },
    commands: { type: 'string', default: 'commands-down' },
    send: { type: 'boolean', default: false }
  }
})
const [chargePointId = '', action = '', payload = '{}'] = positionals
if (options.send && (chargePointId === '' || action === '')) {
  console.error('--send needs a charge point and an action: --send CP-001 Reset \'{ "type": "Soft" }\'')
  process.exit(2)
}
const bootstrapBrokers = options.brokers.split(',').map((broker) => broker.trim())
const check = new EventCheck()
const retryMs = 1_000

/** Every event once. At least once comes from Kafka; the check makes once of it. Goes on through the loss of brokers. */
async function* events(): AsyncGenerator<GatewayEvent> {
  for (;;) {
    const consumer = new Consumer({
      clientId: 'example-consumer',
      groupId: options.group,
      bootstrapBrokers,
      autocommit: false,
      deserializers: { key: stringDeserializer, value: jsonDeserializer<GatewayEvent> }
    })
    try {
      const stream = await consumer.consume({ topics: [options.events], mode: 'committed', fallbackMode: 'earliest' })
      for await (const message of stream) {
        const event = message.value
        const verdict = event && check.take(event)
        if (verdict?.kind === 'gap')
          console.error(`${event?.source} epoch ${event?.epoch}: ${verdict.first} to ${verdict.last} are missing`)
        if (event && verdict?.kind !== 'repeat') yield event
        // Only now: what was not dealt with comes again after a crash.
        await message.commit()
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : error
      console.error(`${options.events} at ${options.brokers}: ${why}; reading on in ${retryMs} ms`)
    } finally {
      await consumer.close(true)
    }
    await sleep(retryMs)
  }
}

/** Sends a command and gives its id, by which its outcome is found. The key keeps the order of a charge point's commands. */
async function send(chargePointId: string, action: string, payload: unknown): Promise<string> {
  const producer = new Producer({
    clientId: 'example-backend',
    bootstrapBrokers,
    partitioner: compatibilityPartitioner,
    serializers: stringSerializers
  })
  const id = randomUUID()
  const command = { id, chargePointId, type: 'ocpp.call', data: { action, payload }, requestedBy: 'example' }
  try {
    // The default of this client is the leader alone, and it heeds `acks` here only: a command could be lost with that broker.
    await producer.send({
      messages: [{ topic: options.commands, key: chargePointId, value: JSON.stringify(command) }],
      acks: ProduceAcks.ALL
    })
  } finally {
    await producer.close()
  }
  return id
}

const commandId = options.send ? await send(chargePointId, action, JSON.parse(payload)) : undefined
for await (const event of events()) {
  console.log(JSON.stringify(event))
  // Exactly one comes for each command, whatever happens to gateways and charge points.
  if (commandId !== undefined && event.type === 'command.outcome' && event.correlationid === commandId) break
}
