import { apiEffects } from './api.ts'
import { clusterEffects } from './cluster.ts'
import type { Effect } from './effect.ts'
import { eventEffects } from './events.ts'
import { logEffects } from './log.ts'
import { serverEffects } from './server.ts'
import { sessionEffects } from './session.ts'

/** Every key of the schema and how it is seen that it has an effect. */
export const effects: Readonly<Record<string, Effect>> = {
  ...serverEffects,
  ...apiEffects,
  ...logEffects,
  ...eventEffects,
  ...sessionEffects,
  ...clusterEffects
}
