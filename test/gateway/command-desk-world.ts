import { strictEqual } from 'node:assert'
import { derivedId } from '../../src/lib/derived-id.ts'
import { type Connected, type GatewayHarness, turn } from '../support/gateway.ts'

/** A charge point that is connected and registered. */
export async function booted(gateway: GatewayHarness, id = 'CP-1'): Promise<Connected> {
  const station = await gateway.connect(id)
  station.boot()
  await turn()
  return station
}

/** The one outcome of a command: there must be exactly one event, with the id that anybody would give it. */
export function outcomeOf(gateway: GatewayHarness, commandId: string): string {
  const events = gateway.log.events('command.outcome').filter(({ correlationid }) => correlationid === commandId)
  strictEqual(events.length, 1, `one outcome of ${commandId}`)
  strictEqual(events[0]?.id, derivedId('command.outcome', commandId))
  const { outcome, reason } = events[0]?.data ?? {}
  return reason === undefined ? String(outcome) : `${outcome}/${reason}`
}
