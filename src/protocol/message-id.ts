import type { MessageId } from './message.ts'

/** [OCPP-J 1.6 4.1.4, Part 4 4.1.4] */
export const messageIdCharsMax = 36
/** What is longer is no id, in every mode: ids are kept for the replay of answers. */
export const messageIdCharsTolerated = 255

/** A usable id, however odd; undefined for what cannot be echoed. */
export function readId(id: unknown): MessageId | undefined {
  if (typeof id === 'string') return id.length > 0 && id.length <= messageIdCharsTolerated ? id : undefined
  // `1e999` reads as Infinity, which JSON cannot say.
  return typeof id === 'number' && Number.isFinite(id) ? id : undefined
}

/** What is odd about a usable id. */
export function idFlags(id: MessageId): string[] {
  if (typeof id === 'string') return id.length > messageIdCharsMax ? ['messageId.tooLong'] : []
  // More digits than a double holds: the echo is the nearest double.
  return Number.isSafeInteger(id) || !Number.isInteger(id)
    ? ['messageId.numeric']
    : ['messageId.numeric', 'messageId.imprecise']
}

/** The plain words for an id that is refused for its length. */
export function idTooLong(id: string): string {
  return `the message id has ${id.length} characters, allowed are ${messageIdCharsMax}`
}
