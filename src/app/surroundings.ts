import type { Embedded } from '../adapters/embedded/open-embedded.ts'
import type { CommandRoute } from '../gateway/command-desk.ts'
import type { GatewayNode } from '../gateway/node.ts'
import type { DurabilityGate } from '../gateway/pipeline.ts'
import type { ChargePointsView } from '../gateway/views.ts'
import type { Directory } from '../ports/directory.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { SessionRegistry } from '../ports/session-registry.ts'

/** The node's parts as they are with what the configuration names beside it: Kafka, Redis, both or neither. */
export interface NodePorts {
  readonly directory: Directory
  readonly registry: SessionRegistry
  readonly ledger: Ledger
  readonly route?: CommandRoute
  readonly gate?: DurabilityGate
}

/** What stands around a node. */
export interface Surroundings {
  readonly ports: NodePorts
  /** Blocks of transaction ids that no other node gets. */
  transactionIdBlocks(count: number, atLeast: number): Promise<{ readonly first: number; readonly last: number }>
  /** Every charge point that can be asked for here. */
  points(node: GatewayNode): ChargePointsView
  /** Take this node's place: its lease, its part of the commands, its events to the bus. Rejects with `node_id_taken`. */
  start(node: GatewayNode): Promise<void>
  /** The first step of a stop: no more commands. */
  stopTaking(): Promise<void>
  /** The last step, when every charge point is closed and every event on disk: hand on what can be handed on, leave. */
  stop(deadlineMs: number): Promise<void>
  /** Close every client, however far the start came. */
  close(): Promise<void>
}

/** A node by itself: nothing beside its own disk. */
export function alone({ directory, registry, ledger }: Embedded): Surroundings {
  return {
    ports: { directory, registry, ledger },
    transactionIdBlocks: async () => {
      throw new TypeError('a node by itself counts by itself')
    },
    points: (node) => node.hub,
    start: async () => undefined,
    stopTaking: async () => undefined,
    stop: async () => undefined,
    close: async () => undefined
  }
}
