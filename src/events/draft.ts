import { type Loose, present } from '../lib/present.ts'
import type { EventData, EventDraft, EventType } from './model.ts'

/** One event of a CALL: its type and the members of its data that have a value. Always a fresh object. */
export function draft<T extends EventType>(type: T, members: Loose<EventData[T]>): EventDraft {
  return { type, data: present(members) } as EventDraft
}
