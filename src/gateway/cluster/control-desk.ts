import type { ControlMessage, ControlReply } from '../../ports/control-channel.ts'
import type { CommandRecord } from '../../ports/records.ts'
import type { LiveConversation } from '../conversation.ts'

export interface ControlDeskDeps {
  readonly find: (chargePointId: string) => LiveConversation | undefined
  /** A connection that is on its way here is displaced before it is there. */
  readonly displaced: (chargePointId: string, epoch: number) => void
  /** Keep a claimed command and give it to the session that is here, once: the message may come twice. */
  readonly take: (record: CommandRecord, conversation: LiveConversation) => Promise<void>
}

/** What other nodes ask of this one. A charge point that is not here is said at once, never passed on again (D8). */
export function answerControl({
  find,
  displaced,
  take
}: ControlDeskDeps): (message: ControlMessage) => Promise<ControlReply> {
  return async (message) => {
    const chargePointId = message.kind === 'command' ? message.record.chargePointId : message.chargePointId
    if (message.kind === 'evict') displaced(chargePointId, message.epoch)
    const conversation = find(chargePointId)
    if (!conversation) return 'not_owner'
    switch (message.kind) {
      case 'command':
        await take(message.record, conversation)
        return 'accepted'
      case 'cancel':
        conversation.cancel(message.commandId)
        return 'accepted'
      case 'evict':
        if (conversation.session.epoch < message.epoch) conversation.end('replaced')
        return 'accepted'
      case 'disconnect':
        conversation.end('disconnected_by_operator')
        return 'accepted'
    }
  }
}
