import type { CommandRecord } from './records.ts'

/** What one node asks of another. */
export type ControlMessage =
  /** Hand a claimed command to the node that owns its charge point. */
  | { readonly kind: 'command'; readonly record: CommandRecord }
  | { readonly kind: 'cancel'; readonly commandId: string; readonly chargePointId: string }
  /** Close the connection of this charge point unless its epoch is `epoch` or newer: `epoch` has taken over. */
  | { readonly kind: 'evict'; readonly chargePointId: string; readonly epoch: number }
  /** An operator wants the connection closed. */
  | { readonly kind: 'disconnect'; readonly chargePointId: string }

/** `not_owner`: the charge point is not connected there; the directory that said so is stale. */
export type ControlReply = 'accepted' | 'not_owner'

/** Messages between the nodes of one cluster. At most once; what is not acknowledged in time rejects (`control_timeout`). */
export interface ControlChannel {
  /** Hear what others ask; the reply goes back as the acknowledgement. */
  listen(handler: (message: ControlMessage) => Promise<ControlReply>): Promise<void>
  send(node: string, message: ControlMessage): Promise<ControlReply>
  close(): Promise<void>
}
