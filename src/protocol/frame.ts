import { isTransactionMessage } from './actions.ts'
import { type ErrorCode, spell } from './errors.ts'
import {
  fault,
  faultOf,
  faultOfBrokenText,
  faultOfTypeElement,
  faultOfUnknownType,
  faultOfUnreadableId,
  unreadableAnswer
} from './frame-fault.ts'
import type { Frame, MessageId } from './message.ts'
import { idFlags, idTooLong, messageIdCharsMax, readId } from './message-id.ts'
import { CALL, CALLERROR, CALLRESULT, CALLRESULTERROR, isKnownType, SEND } from './message-type.ts'
import { isNestedTooDeep } from './raw-text.ts'
import type { OcppVersion } from './version.ts'

/** How much is forgiven; `leniency.mode`. */
export type Leniency = 'strict' | 'tolerant'

/** [Part 4 4.2.3] */
export const errorDescriptionCharsMax = 255

const emptyPayload = Object.freeze({})

/** Read one text frame. Never throws; what is no usable message is a `fault` that says what is owed for it. */
export function decodeFrame(text: string, version: OcppVersion, leniency: Leniency): Frame {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return faultOfBrokenText(text, version)
  }
  if (!Array.isArray(message)) {
    return fault('not_an_array', 'the message is JSON, but not an array', unreadableAnswer(version))
  }
  const elements: readonly unknown[] = message
  if (elements.length === 0) {
    return fault('wrong_element_count', 'the message is an empty array', unreadableAnswer(version))
  }
  const type = typeof elements[0] === 'number' ? elements[0] : undefined
  if (type !== undefined && !isKnownType(type, version)) return faultOfUnknownType(type, elements[1], version)
  const id = readId(elements[1])
  if (id === undefined) return faultOfUnreadableId(elements, type, version)
  if (type === undefined) return faultOfTypeElement(elements[0], id, version)
  if (isNestedTooDeep(text, elements)) {
    return faultOf(type, id, version, 'nested_too_deep', 'the message is nested too deep', 'FormatViolation')
  }
  switch (type) {
    case CALL:
    case SEND:
      return decodeCall(type, elements, id, version, leniency)
    case CALLRESULT:
      return decodeResult(elements, id, version, leniency)
    default:
      return decodeError(type, elements, id, version)
  }
}

/** A CALL of ours: `[2,"id","Action",{}]`. */
export function encodeCall(id: string, action: string, payload: unknown): string {
  return JSON.stringify([CALL, id, action, payload ?? emptyPayload])
}

/** A SEND, OCPP 2.1 only: `[6,"id","Action",{}]`. */
export function encodeSend(id: string, action: string, payload: unknown): string {
  return JSON.stringify([SEND, id, action, payload ?? emptyPayload])
}

/** The answer to a CALL; its id is echoed in its own JSON type. */
export function encodeResult(id: MessageId, payload: unknown): string {
  return JSON.stringify([CALLRESULT, id, payload ?? emptyPayload])
}

/** The refusal of a CALL, with the code as this version spells it. */
export function encodeError(
  id: MessageId,
  code: ErrorCode,
  description: string,
  details: Readonly<Record<string, unknown>>,
  version: OcppVersion
): string {
  return JSON.stringify([CALLERROR, id, spell(code, version), cutDescription(description), details])
}

/** OCPP 2.1 only: says that a CALLRESULT of the charge point was not usable. [Part 4 2.1 4.2.3] */
export function encodeResultError(
  id: MessageId,
  code: ErrorCode,
  description: string,
  details: Readonly<Record<string, unknown>>
): string {
  return JSON.stringify([CALLRESULTERROR, id, spell(code, '2.1'), cutDescription(description), details])
}

function cutDescription(description: string): string {
  if (description.length <= errorDescriptionCharsMax) return description
  const cut = description.slice(0, errorDescriptionCharsMax)
  // Never half of a surrogate pair.
  return cut.isWellFormed() ? cut : cut.slice(0, -1).toWellFormed()
}

function decodeCall(
  type: typeof CALL | typeof SEND,
  elements: readonly unknown[],
  id: MessageId,
  version: OcppVersion,
  leniency: Leniency
): Frame {
  const action = elements[2]
  if (elements.length < 4) {
    const detail = `the message has ${elements.length} elements instead of 4`
    return faultOf(type, id, version, 'wrong_element_count', detail, 'RpcFrameworkError')
  }
  if (typeof action !== 'string') {
    return faultOf(type, id, version, 'wrong_element_type', 'the action is not a string', 'RpcFrameworkError')
  }
  const kind = type === CALL ? 'call' : 'send'
  const payload = elements[3]
  // The path of nearly every message: nothing odd, nothing allocated but the message.
  if (elements.length === 4 && payload !== null && typeof id === 'string' && id.length <= messageIdCharsMax) {
    return { kind, id, action, payload }
  }
  const flags = idFlags(id)
  const isForgiven = leniency === 'tolerant' || isTransactionMessage(version, action)
  if (flags.length > 0 && !isForgiven) {
    return typeof id === 'string'
      ? faultOf(type, id, version, 'id_too_long', idTooLong(id), 'RpcFrameworkError')
      : faultOf(type, id, version, 'wrong_element_type', 'the message id is not a string', 'RpcFrameworkError')
  }
  if (elements.length > 4) {
    if (!isForgiven) {
      const detail = `the message has ${elements.length} elements instead of 4`
      return faultOf(type, id, version, 'wrong_element_count', detail, 'RpcFrameworkError')
    }
    flags.push('frame.extraElements')
  }
  if (payload !== null || leniency === 'strict') return withFlags({ kind, id, action, payload }, flags)
  return withFlags({ kind, id, action, payload: emptyPayload }, [...flags, 'payload.null'])
}

function decodeResult(elements: readonly unknown[], id: MessageId, version: OcppVersion, leniency: Leniency): Frame {
  if (elements.length < 3 || (elements.length > 3 && leniency === 'strict')) {
    const detail = `the CALLRESULT has ${elements.length} elements instead of 3`
    return faultOf(CALLRESULT, id, version, 'wrong_element_count', detail, 'RpcFrameworkError')
  }
  const flags = idFlags(id)
  if (elements.length > 3) flags.push('frame.extraElements')
  const payload = elements[2]
  if (payload !== null || leniency === 'strict') return withFlags({ kind: 'call_result', id, payload }, flags)
  return withFlags({ kind: 'call_result', id, payload: emptyPayload }, [...flags, 'payload.null'])
}

/** Nothing is ever answered to an error, so whatever names a code is taken, in every mode (quirk 16). */
function decodeError(
  type: typeof CALLERROR | typeof CALLRESULTERROR,
  elements: readonly unknown[],
  id: MessageId,
  version: OcppVersion
): Frame {
  const [, , code, description, details] = elements
  if (elements.length < 3) {
    const detail = `the CALLERROR has ${elements.length} elements instead of 5`
    return faultOf(type, id, version, 'wrong_element_count', detail, 'RpcFrameworkError')
  }
  if (typeof code !== 'string') {
    return faultOf(type, id, version, 'wrong_element_type', 'the error code is not a string', 'RpcFrameworkError')
  }
  const flags = idFlags(id)
  if (elements.length !== 5) flags.push('callError.elementCount')
  if (typeof description !== 'string') flags.push('callError.description')
  if (elements.length > 4 && !isObject(details)) flags.push('callError.details')
  return withFlags(
    {
      kind: type === CALLERROR ? 'call_error' : 'call_result_error',
      id,
      code,
      description: typeof description === 'string' ? description : '',
      details: details ?? emptyPayload
    },
    flags
  )
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function withFlags<F extends Frame>(frame: F, flags: readonly string[]): Frame {
  return flags.length === 0 ? frame : { ...frame, flags }
}
