import { derivedId } from '../lib/derived-id.ts'

/**
 * The id of `node_lost` for an epoch of a node, whoever publishes it: the node itself when it is back, or any other that saw its
 * lease run out. The end that a session tells itself has an id of its own: it is another fact, with a sequence.
 */
export function nodeLostId(chargePointId: string, epoch: number, node: string): string {
  return derivedId('charge_point.disconnected', 'node_lost', chargePointId, epoch, node)
}
