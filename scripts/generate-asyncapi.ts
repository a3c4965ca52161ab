/**
 * `schemas/asyncapi.json`: the topics of Kafka as an AsyncAPI 3 document, made from the schemas of events and commands, which
 * it refers to by file.
 */
import { clusterGroups } from '../src/config/cluster.ts'
import { contentType } from '../src/gateway/forward-record.ts'
import { commandSchema } from './command-schema.ts'

type Json = Readonly<Record<string, unknown>>

interface EventIndex {
  readonly types: Readonly<
    Record<string, { readonly file: string; readonly title?: string; readonly description?: string }>
  >
}

const kafkaBinding = '0.5.0'
const text = { type: 'string' } as const
const { events_topic, commands_topic, dead_letter_topic, consumer_group } = clusterGroups.kafka

function keyBinding(description: string): Json {
  return { kafka: { bindingVersion: kafkaBinding, key: { ...text, description } } }
}

/** One message for each event type: the envelope, with its type and data. */
function eventMessages({ types }: EventIndex): Json {
  const messages = Object.entries(types).map(([type, { file, title, description }]) => {
    const payload = {
      allOf: [
        { $ref: './events/envelope.json' },
        {
          type: 'object',
          properties: {
            type: { const: type },
            ...(type === 'command.outcome'
              ? { correlationid: { ...text, description: 'The id of the command.' } }
              : {}),
            data: { $ref: `./events/${file}` }
          }
        }
      ]
    }
    const traits = [{ $ref: '#/components/messageTraits/event' }]
    const message = {
      name: type,
      ...(title ? { title } : {}),
      ...(description ? { summary: description } : {}),
      traits,
      payload
    }
    return [type, message] as const
  })
  return Object.fromEntries(messages)
}

const eventTrait = {
  contentType,
  headers: {
    type: 'object',
    required: ['content-type', 'ce_id', 'ce_type', 'ce_subject'],
    properties: {
      'content-type': { ...text, const: contentType },
      ce_id: { ...text, description: 'The `id` of the event.' },
      ce_type: { ...text, description: 'Its `type`, to filter by without parsing.' },
      ce_subject: { ...text, description: 'Its `subject`, the charge point.' },
      cpg_delivery: {
        ...text,
        const: 'local',
        description:
          'Present when the charge point may have been answered before the brokers had the event, although `delivery.ack` is `broker`: in an outage, and on what a node had not published when it restarted.'
      }
    }
  },
  bindings: keyBinding('The charge point. Its partition is that of the default partitioner of Java (murmur2).')
}

const commandMessage = {
  name: 'command',
  title: 'Command',
  summary: 'A command to a charge point.',
  contentType: 'application/json',
  payload: { $ref: './commands/command.json' },
  correlationId: { description: 'The `correlationid` of the outcome.', location: '$message.payload#/id' },
  bindings: keyBinding('The charge point, so that its commands keep their order.')
}

const deadLetterMessage = {
  name: 'deadLetter',
  title: 'DeadLetter',
  summary: 'A record that was no command: its bytes, key and headers as they came.',
  contentType: 'application/octet-stream',
  headers: {
    type: 'object',
    required: ['dead_letter_reason', 'dead_letter_where', 'dead_letter_timestamp'],
    properties: {
      dead_letter_reason: { ...text, description: 'What was wrong with it.' },
      dead_letter_where: { ...text, description: 'Where it lay: topic/partition@offset.' },
      dead_letter_timestamp: { ...text, description: 'Its timestamp, RFC 3339.' },
      dead_letter_cut_from_bytes: {
        ...text,
        description: 'Present when it was too large for this topic: its size before the cut.'
      }
    }
  },
  payload: { description: 'Any bytes.' },
  bindings: keyBinding('As it came; it may have none.')
}

function channel(address: string, description: string, messages: Json, more: Json = {}): Json {
  const bindings = { kafka: { bindingVersion: kafkaBinding, topic: address, ...more } }
  return { address, description, messages, bindings }
}

function refs(channelName: string, messages: Iterable<string>): readonly Json[] {
  return [...messages].map((name) => ({ $ref: `#/channels/${channelName}/messages/${name}` }))
}

function operation(action: 'send' | 'receive', name: string, summary: string, messages: Iterable<string>): Json {
  return { action, channel: { $ref: `#/channels/${name}` }, summary, messages: refs(name, messages) }
}

const description = `What a charge-point-gateway publishes to Kafka and reads from it; \`send\` and \`receive\` are the gateway's view.
Names of topics are the defaults of \`kafka.*\`.

- Events come at least once: a repeat has the same \`source\` and \`id\`.
- Order holds for each charge point within an \`epoch\`; \`sequence\` counts there from 1 without gaps. After a takeover the rest of an
  older epoch may arrive later.
- Every command ends in exactly one \`command.outcome\`, joined by \`correlationid\`.`

/** The document. `version` is that of the package. */
export function asyncApi(index: EventIndex, version: string): Json {
  const events = eventMessages(index)
  return {
    asyncapi: '3.0.0',
    id: 'urn:charge-point-gateway',
    info: {
      title: 'charge-point-gateway on Kafka',
      version,
      description,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' }
    },
    defaultContentType: 'application/json',
    channels: {
      events: channel(String(events_topic.default), 'CloudEvents 1.0, structured mode.', events, {
        topicConfiguration: { 'cleanup.policy': ['delete'] }
      }),
      commands: channel(
        String(commands_topic.default),
        'Commands; any partition, any node takes them. Keep its retention below `limits.command_memory`.',
        { command: commandMessage }
      ),
      deadLetters: channel(
        String(dead_letter_topic.default),
        'Records of the commands topic that are none: no JSON, a member that is missing or wrong, an unknown type, a time beyond its limit, the id of another command. One with an id of its own gets the outcome `not_sent/invalid` too, with the same words. A record may lie here twice.',
        { deadLetter: deadLetterMessage }
      )
    },
    operations: {
      publishEvents: operation('send', 'events', 'Every event of every charge point.', Object.keys(events)),
      takeCommands: {
        ...operation('receive', 'commands', 'Take commands; the outcome of each comes as an event.', ['command']),
        bindings: { kafka: { bindingVersion: kafkaBinding, groupId: { ...text, const: consumer_group.default } } },
        reply: { channel: { $ref: '#/channels/events' }, messages: refs('events', ['command.outcome']) }
      },
      putAside: operation('send', 'deadLetters', 'Put aside what is no command.', ['deadLetter'])
    },
    components: { messageTraits: { event: eventTrait } }
  }
}

/** Path in the repository -> text. */
export function asyncApiFiles(index: string, packageJson: string): ReadonlyMap<string, string> {
  const { version } = JSON.parse(packageJson) as { readonly version: string }
  const textOf = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`
  return new Map([
    ['schemas/asyncapi.json', textOf(asyncApi(JSON.parse(index) as EventIndex, version))],
    ['schemas/commands/command.json', textOf(commandSchema)]
  ])
}
