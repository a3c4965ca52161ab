import type { Command } from '../io.ts'
import { connections } from './connections.ts'
import { disconnect } from './disconnect.ts'
import { events } from './events.ts'
import { send } from './send.ts'

/** The commands that are clients of the API: they share nothing with the gateway but HTTP. */
export const clientCommands: ReadonlyMap<string, Command> = new Map([
  ['connections', connections],
  ['events', events],
  ['send', send],
  ['disconnect', disconnect]
])
