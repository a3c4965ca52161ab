import type { ErrorCode } from './errors.ts'
import type { Frame, MessageId } from './message.ts'
import { idTooLong, readId } from './message-id.ts'
import { CALL, CALLERROR, CALLRESULT, isKnownType } from './message-type.ts'
import { recoverHead } from './raw-text.ts'
import type { OcppVersion } from './version.ts'

type Fault = Extract<Frame, { kind: 'fault' }>
type Answer = NonNullable<Fault['answer']>

/** The id of an answer to a message whose id cannot be read. [Part 4 4.2.3] */
const unreadableId = '-1'

/** A fault that is answered with `answer`, or not at all. */
export function fault(name: Fault['fault'], detail: string, answer?: Answer): Fault {
  return answer ? { kind: 'fault', fault: name, detail, answer } : { kind: 'fault', fault: name, detail }
}

/** 1.6 has no answer to a message without an id (D2). */
export function unreadableAnswer(version: OcppVersion): Answer | undefined {
  return version === '1.6' ? undefined : { id: unreadableId, code: 'RpcFrameworkError' }
}

/** A fault of a message whose type and id are known: only a CALL is answered (rules 41, 42). */
export function faultOf(
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
export function faultOfUnknownType(type: number, id: unknown, version: OcppVersion): Fault {
  const detail = `message type ${type} is unknown in OCPP ${version}`
  if (version !== '2.0.1') return fault('unknown_message_type', detail)
  return fault('unknown_message_type', detail, {
    id: readId(id) ?? unreadableId,
    code: 'MessageTypeNotSupported'
  })
}

/** Only what may have been a CALL is answered. */
export function faultOfUnreadableId(
  elements: readonly unknown[],
  type: number | undefined,
  version: OcppVersion
): Fault {
  const id = elements[1]
  const answer =
    type === CALL || (type === undefined && !isAnswerText(elements[0])) ? unreadableAnswer(version) : undefined
  if (typeof id === 'string' && id.length > 0) return fault('id_too_long', idTooLong(id), answer)
  return fault('unreadable_id', 'the message has no readable id', answer)
}

/** The first element is no number; `"3"` and `"4"` are still recognisably answers. */
export function faultOfTypeElement(type: unknown, id: MessageId, version: OcppVersion): Fault {
  const meant = isAnswerText(type) ? Number(type) : CALL
  const detail = 'the message type is not a number'
  return faultOf(meant, id, version, 'wrong_element_type', detail, 'RpcFrameworkError')
}

function isAnswerText(type: unknown): boolean {
  return type === '3' || type === '4'
}

/** What is owed for a text that is no JSON, as far as its beginning tells. */
export function faultOfBrokenText(text: string, version: OcppVersion): Fault {
  if (text.trim() === '') return fault('empty_frame', 'the frame is empty')
  const head = recoverHead(text)
  const detail = 'the message is not JSON'
  if (head === undefined) return fault('not_json', detail, unreadableAnswer(version))
  if (!isKnownType(head.type, version)) return { ...faultOfUnknownType(head.type, head.id, version), fault: 'not_json' }
  const id = readId(head.id)
  if (id === undefined) return fault('not_json', detail, head.type === CALL ? unreadableAnswer(version) : undefined)
  return faultOf(head.type, id, version, 'not_json', detail, 'RpcFrameworkError')
}
