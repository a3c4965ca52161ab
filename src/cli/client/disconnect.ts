import { apiClient } from './api-client.ts'
import { commonUsage, readArguments, usageFault } from './arguments.ts'
import { clientCommand, forPeople, jsonLine } from './client-command.ts'

export const disconnect = clientCommand({
  summary: 'Close the connection of a charge point; it may come back at once.',
  usage: `
Usage: charge-point-gateway disconnect ID [OPTIONS]
${commonUsage}`,
  async run(argv, io) {
    const args = readArguments(argv, {}, 1)
    const [id] = args.positionals
    if (id === undefined) throw usageFault('disconnect needs the id of a charge point')
    await apiClient(args, io).send(`/v1/charge-points/${encodeURIComponent(id)}/connection`, { method: 'DELETE' })
    io.out(
      forPeople(io, args.flag('json'))
        ? `The connection of ${id} is being closed; the charge point may come back at once.\n`
        : jsonLine({ id, disconnected: true })
    )
    return 0
  }
})
