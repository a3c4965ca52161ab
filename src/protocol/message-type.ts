import type { OcppVersion } from './version.ts'

// The first element of a message. [OCPP-J 1.6 4.1.3, Part 4 2.1 4.1.3]
export const CALL = 2
export const CALLRESULT = 3
export const CALLERROR = 4
export const CALLRESULTERROR = 5
export const SEND = 6

export type MessageType = typeof CALL | typeof CALLRESULT | typeof CALLERROR | typeof CALLRESULTERROR | typeof SEND

/** True when this version has messages of this type; 5 and 6 came with 2.1. */
export function isKnownType(type: number, version: OcppVersion): type is MessageType {
  if (type === CALL || type === CALLRESULT || type === CALLERROR) return true
  return version === '2.1' && (type === CALLRESULTERROR || type === SEND)
}
