import type { GatewayNode } from '../gateway/node.ts'
import { within } from '../lib/wait.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { ChargePointServer } from '../server/charge-point-server.ts'
import type { Surroundings } from './surroundings.ts'

export interface StopParts {
  readonly outside: Pick<Surroundings, 'stopTaking' | 'stop'>
  readonly server: Pick<ChargePointServer, 'stopAccepting'>
  readonly node: Pick<GatewayNode, 'stopping' | 'stop'>
  readonly clock: Clock
  readonly logger: Logger
}

/** The bus closes within 7 s by itself: 30 % of the default deadline. A shorter deadline cuts it short. */
const takingShare = 0.3

/**
 * No new connections, no more commands, then the charge points, at last what is handed on. What was being taken still goes out, but a
 * bus that hangs has a share of the time only: the rest is for those who are to hear 1001.
 */
export async function stopInOrder(
  { outside, server, node, clock, logger }: StopParts,
  deadlineMs: number
): Promise<void> {
  const beganMs = clock.now()
  node.stopping()
  const accepting = server.stopAccepting()
  await within(clock, deadlineMs * takingShare, outside.stopTaking(), (error) =>
    logger.error({ error }, 'the commands of the bus did not close cleanly')
  )
  await node.stop(Math.max(deadlineMs - (clock.now() - beganMs), 0))
  await accepting
  await outside.stop(deadlineMs / 10)
}
