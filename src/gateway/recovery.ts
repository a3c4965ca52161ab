import type { NodeStore } from '../ports/node-store.ts'
import { type ChargePointRecord, keyOf, type OpenEpochRecord, type StoreChange } from '../ports/records.ts'
import { everyRow } from './every-row.ts'
import type { OwnEvents } from './own-events.ts'
import type { EventPipeline } from './pipeline.ts'

/**
 * For each epoch that an earlier life of this node left open: one `charge_point.disconnected` (`node_lost`). Its row goes
 * in the same transaction as the event, so that a crash in between makes neither a second one nor none.
 */
export function closeLostEpochs(store: NodeStore, pipeline: EventPipeline, events: OwnEvents, nowMs: number): number {
  let count = 0
  for (const epoch of everyRow(store, 'openEpochs', ({ chargePointId, epoch }) =>
    keyOf.openEpoch(chargePointId, epoch)
  )) {
    count++
    pipeline.publish([
      {
        event: events.nodeLost(epoch),
        changes: closed(epoch, store.get('chargePoints', keyOf.chargePoint(epoch.chargePointId)), nowMs)
      }
    ])
  }
  pipeline.flush()
  return count
}

function closed(
  { chargePointId, epoch }: OpenEpochRecord,
  record: ChargePointRecord | undefined,
  nowMs: number
): readonly StoreChange[] {
  const gone = { table: 'openEpochs', key: keyOf.openEpoch(chargePointId, epoch), value: null } as const
  if (!record) return [gone]
  const value = withLostEpoch(record, epoch, nowMs)
  return [gone, { table: 'chargePoints', key: keyOf.chargePoint(chargePointId), value }]
}

/** The connection of this epoch ended with its node, unless its end is known. */
export function withLostEpoch(record: ChargePointRecord, epoch: number, atMs: number): ChargePointRecord {
  const connections = record.connections.map((connection) =>
    // With a time, or the next connection would take it for one that is still open and call it replaced.
    connection.epoch === epoch && connection.reason === undefined
      ? { ...connection, disconnectedAtMs: atMs, reason: 'node_lost' }
      : connection
  )
  return { ...record, connections }
}
