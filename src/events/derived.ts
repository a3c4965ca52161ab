import { derivedId } from '../lib/derived-id.ts'

/**
 * The id of the one `charge_point.disconnected` of an epoch of a node, whoever publishes it: a node that only stood still may
 * have been taken for lost before its session ends.
 */
export function disconnectedId(chargePointId: string, epoch: number, node: string): string {
  return derivedId('charge_point.disconnected', chargePointId, epoch, node)
}
