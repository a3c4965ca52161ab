import { GatewayError } from '../../lib/gateway-error.ts'
import type { Command, Io } from '../io.ts'

/** A command that talks to the API: what went wrong is said in plain words, with 2 for wrong usage and 1 for the rest. */
export function clientCommand(command: Command): Command {
  return {
    ...command,
    async run(argv, io) {
      try {
        return await command.run(argv, io)
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        const [usage] = command.usage.trim().split('\n')
        io.err(error.code === 'usage' ? `${error.message}\n${usage}\n` : `${error.message}\n`)
        return error.code === 'usage' ? 2 : 1
      }
    }
  }
}

/** True when people read the output: tables. Otherwise each thing is one line of JSON. */
export function forPeople(io: Io, json: boolean): boolean {
  return io.terminal && !json
}

export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
