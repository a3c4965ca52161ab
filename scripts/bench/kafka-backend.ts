import { setTimeout as delay } from 'node:timers/promises'
import { Consumer, type MessagesStream, ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'

const outcomeDeadlineMs = 30_000

/** What a backend asks for. */
export function dataTransfer(id: string): { readonly id: string } {
  const payload = { vendorId: 'bench' }
  return { id, ...{ type: 'ocpp.call', data: { action: 'DataTransfer', payload }, timeoutMs: 30_000 } }
}

interface OutcomeEvent {
  readonly data: { readonly commandId: string; readonly outcome: string }
}

/** A backend on Kafka: puts commands into one topic and hears their outcomes in the other. */
export class KafkaBackend {
  readonly #commandsTopic: string
  readonly #producer: Producer<string, string, string, string>
  readonly #consumer: Consumer
  readonly #waiting = new Map<string, (outcome: string) => void>()
  #stream: MessagesStream<Buffer, Buffer, Buffer, Buffer> | undefined

  constructor(brokers: readonly string[], commandsTopic: string) {
    this.#commandsTopic = commandsTopic
    const shared = { clientId: 'bench-backend', bootstrapBrokers: [...brokers] }
    this.#producer = new Producer({ ...shared, serializers: stringSerializers })
    this.#consumer = new Consumer({ ...shared, groupId: 'bench-backend', autocommit: false, maxWaitTime: 200 })
  }

  /** Hears every outcome from now on. */
  async listen(eventsTopic: string): Promise<void> {
    const stream = await this.#consumer.consume({ topics: [eventsTopic], mode: 'earliest' })
    this.#stream = stream
    stream.on('data', ({ value, headers }) => {
      const isOutcome = [...headers].some(
        ([name, text]) => String(name) === 'ce_type' && String(text) === 'command.outcome'
      )
      if (!isOutcome) return
      const { data } = JSON.parse(String(value)) as OutcomeEvent
      this.#waiting.get(data.commandId)?.(data.outcome)
      this.#waiting.delete(data.commandId)
    })
  }

  /** Resolves with the outcome once its event has come out of the topic. */
  async run(chargePointId: string, command: { readonly id: string }): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>()
    this.#waiting.set(command.id, resolve)
    const value = JSON.stringify({ chargePointId, ...command })
    await this.#producer.send({
      messages: [{ topic: this.#commandsTopic, key: chargePointId, value }],
      acks: ProduceAcks.ALL
    })
    return await Promise.race([promise, delay(outcomeDeadlineMs, 'no outcome in the topic', { ref: false })])
  }

  async close(): Promise<void> {
    await this.#stream?.close()
    await this.#consumer.close(true)
    await this.#producer.close(true)
  }
}
