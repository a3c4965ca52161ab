import { isTransactionMessage } from './actions.ts'
import { type ErrorCode, spell } from './errors.ts'
import type { Frame, MessageId } from './message.ts'
import { isNestedTooDeep, recoverHead } from './raw-text.ts'
import type { OcppVersion } from './version.ts'

/** How much is forgiven; `leniency.mode`. */
export type Leniency = 'strict' | 'tolerant'

/** [OCPP-J 1.6 4.1.4, Part 4 4.1.4] */
export const messageIdCharsMax = 36
/** What is longer is no id, in every mode: ids are kept for the replay of answers. */
export const messageIdCharsTolerated = 255
/** [Part 4 4.2.3] */
export const errorDescriptionCharsMax = 255

const CALL = 2
const CALLRESULT = 3
const CALLERROR = 4
const CALLRESULTERROR = 5
const SEND = 6

/** The id of an answer to a message whose id cannot be read. [Part 4 4.2.3] */
const unreadableId = '-1'
const emptyPayload = Object.freeze({})

type Fault = Extract<Frame, { kind: 'fault' }>
type Answer = NonNullable<Fault['answer']>

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

type MessageType = typeof CALL | typeof CALLRESULT | typeof CALLERROR | typeof CALLRESULTERROR | typeof SEND

function isKnownType(type: number, version: OcppVersion): type is MessageType {
  if (type === CALL || type === CALLRESULT || type === CALLERROR) return true
  return version === '2.1' && (type === CALLRESULTERROR || type === SEND)
}

/** A usable id, however odd; undefined for what cannot be echoed. */
function readId(id: unknown): MessageId | undefined {
  if (typeof id === 'string') return id.length > 0 && id.length <= messageIdCharsTolerated ? id : undefined
  // `1e999` reads as Infinity, which JSON cannot say.
  return typeof id === 'number' && Number.isFinite(id) ? id : undefined
}

function idFlags(id: MessageId): string[] {
  if (typeof id === 'string') return id.length > messageIdCharsMax ? ['messageId.tooLong'] : []
  // More digits than a double holds: the echo is the nearest double.
  return Number.isSafeInteger(id) || !Number.isInteger(id)
    ? ['messageId.numeric']
    : ['messageId.numeric', 'messageId.imprecise']
}

function idTooLong(id: string): string {
  return `the message id has ${id.length} characters, allowed are ${messageIdCharsMax}`
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function withFlags<F extends Frame>(frame: F, flags: readonly string[]): Frame {
  return flags.length === 0 ? frame : { ...frame, flags }
}

function fault(name: Fault['fault'], detail: string, answer?: Answer): Fault {
  return answer ? { kind: 'fault', fault: name, detail, answer } : { kind: 'fault', fault: name, detail }
}

/** 1.6 has no answer to a message without an id (D2). */
function unreadableAnswer(version: OcppVersion): Answer | undefined {
  return version === '1.6' ? undefined : { id: unreadableId, code: 'RpcFrameworkError' }
}

/** A fault of a message whose type and id are known: only a CALL is answered (rules 41, 42). */
function faultOf(
  type: number,
  id: MessageId,
  version: OcppVersion,
  name: Fault['fault'],
  detail: string,
  code: ErrorCode
): Fault {
  switch (type) {
    case CALL:
      return fault(name, detail, { id, code })
    case CALLRESULT:
      return version === '2.1'
        ? { ...fault(name, detail), failsCall: id, resultError: { id, code } }
        : { ...fault(name, detail), failsCall: id }
    case CALLERROR:
      return { ...fault(name, detail), failsCall: id }
    default:
      return fault(name, detail)
  }
}

/** 1.6 and 2.1 ignore it; 2.0.1 says so (D3). */
function faultOfUnknownType(type: number, id: unknown, version: OcppVersion): Fault {
  const detail = `message type ${type} is unknown in OCPP ${version}`
  if (version !== '2.0.1') return fault('unknown_message_type', detail)
  return fault('unknown_message_type', detail, {
    id: readId(id) ?? unreadableId,
    code: 'MessageTypeNotSupported'
  })
}

function faultOfUnreadableId(elements: readonly unknown[], type: number | undefined, version: OcppVersion): Fault {
  const id = elements[1]
  const answer =
    type === CALL || (type === undefined && !isAnswerText(elements[0])) ? unreadableAnswer(version) : undefined
  if (typeof id === 'string' && id.length > 0) return fault('id_too_long', idTooLong(id), answer)
  return fault('unreadable_id', 'the message has no readable id', answer)
}

/** The first element is no number; `"3"` and `"4"` are still recognisably answers. */
function faultOfTypeElement(type: unknown, id: MessageId, version: OcppVersion): Fault {
  const meant = isAnswerText(type) ? Number(type) : CALL
  const detail = 'the message type is not a number'
  return faultOf(meant, id, version, 'wrong_element_type', detail, 'RpcFrameworkError')
}

function isAnswerText(type: unknown): boolean {
  return type === '3' || type === '4'
}

function faultOfBrokenText(text: string, version: OcppVersion): Fault {
  if (text.trim() === '') return fault('empty_frame', 'the frame is empty')
  const head = recoverHead(text)
  const detail = 'the message is not JSON'
  if (head === undefined) return fault('not_json', detail, unreadableAnswer(version))
  if (!isKnownType(head.type, version)) return { ...faultOfUnknownType(head.type, head.id, version), fault: 'not_json' }
  const id = readId(head.id)
  if (id === undefined) return fault('not_json', detail, head.type === CALL ? unreadableAnswer(version) : undefined)
  return faultOf(head.type, id, version, 'not_json', detail, 'RpcFrameworkError')
}
