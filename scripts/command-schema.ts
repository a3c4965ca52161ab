import { exampleCommand, type JsonSchema } from '../src/api/schemas.ts'
import { chargePointIdCharactersMax, timePattern } from '../src/gateway/cluster/command-intake.ts'
import { commandIdPattern } from '../src/gateway/command-record.ts'

const { id, chargePointId, type, data, timeoutMs, expiresAt } = exampleCommand

/**
 * `schemas/commands/command.json`: a record of `commands-down`. It takes exactly what `parseCommand` takes, which a property
 * test holds it to.
 */
export const commandSchema: JsonSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: 'urn:charge-point-gateway:command',
  title: 'Command',
  description: 'A command to a charge point. It ends in exactly one event `command.outcome`.',
  type: 'object',
  required: ['id', 'type'],
  properties: {
    id: {
      type: 'string',
      pattern: commandIdPattern.source,
      description: 'Chosen by the backend. A repeated id never reaches the charge point twice.'
    },
    chargePointId: {
      type: 'string',
      minLength: 1,
      // No control characters, as regular expressions of every language say it.
      pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]+$',
      maxLength: chargePointIdCharactersMax,
      description:
        'Absent: the key of the record. Commands of one charge point keep their order when they share the key.'
    },
    type: { type: 'string', description: '`ocpp.call`; others may come.', examples: [type] },
    data: {
      description: 'Of `ocpp.call`: the action and its payload, in the version that the charge point speaks.',
      examples: [data]
    },
    timeoutMs: {
      type: 'integer',
      minimum: 1,
      description: 'Time for the answer, from the write to the socket; at most `limits.command_timeout_max`.'
    },
    expiresAt: {
      type: 'string',
      pattern: timePattern.source,
      description:
        'RFC 3339. Bounds the wait in the queue; absent: `limits.command_age_max` after the timestamp of the record.'
    },
    priority: {
      type: 'string',
      enum: ['high', 'normal'],
      description: 'Commands with `high` go before the rest; absent: as the action wants it.'
    },
    requestedBy: { description: 'Who asks, as text; it stands in the outcome. Absent: `kafka`.', examples: ['backend'] }
  },
  examples: [{ id, chargePointId, type, data, timeoutMs, expiresAt }]
}
