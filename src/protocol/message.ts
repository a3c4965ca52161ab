import type { ErrorCode } from './errors.ts'

/** A string of at most 36 characters; some stations send numbers, which are echoed in their own JSON type (D5). */
export type MessageId = string | number

export interface Call {
  readonly kind: 'call'
  readonly id: MessageId
  readonly action: string
  readonly payload: unknown
}
/** OCPP 2.1 only: a message that is never answered. [Part 4 2.1 4.2.4] */
export interface Send {
  readonly kind: 'send'
  readonly id: MessageId
  readonly action: string
  readonly payload: unknown
}
export interface CallResult {
  readonly kind: 'call_result'
  readonly id: MessageId
  readonly payload: unknown
}
export interface CallError {
  readonly kind: 'call_error'
  readonly id: MessageId
  /** As the charge point spelt it; `canonicalCode` knows every spelling. */
  readonly code: string
  readonly description: string
  readonly details: unknown
}
/** OCPP 2.1 only: the charge point says that our CALLRESULT was not usable. [Part 4 2.1 4.2.3] */
export interface CallResultError {
  readonly kind: 'call_result_error'
  readonly id: MessageId
  readonly code: string
  readonly description: string
  readonly details: unknown
}
/** A text frame that is no usable message. */
export interface FrameFault {
  readonly kind: 'fault'
  readonly fault: FaultName
  /** Plain words for the event `protocol.violation` and the log; never the raw text. */
  readonly detail: string
  /** The CALLERROR that this version owes for it (D2, D3, D5). Absent: nothing is answered. */
  readonly answer?: { readonly id: MessageId; readonly code: ErrorCode }
  /** Set when it was recognisably an answer: the open CALL with this id fails at once (quirk 14). */
  readonly failsCall?: MessageId
  /** OCPP 2.1: it was a CALLRESULT; when `failsCall` is open, this CALLRESULTERROR is owed for it (rule 41). */
  readonly resultError?: { readonly id: MessageId; readonly code: ErrorCode }
}
export const faultNames = [
  'empty_frame',
  'not_json',
  'not_an_array',
  'unreadable_id',
  'id_too_long',
  'unknown_message_type',
  'wrong_element_count',
  'wrong_element_type',
  'binary_frame',
  'nested_too_deep'
] as const
export type FaultName = (typeof faultNames)[number]

/** What a frame turned out to be; `flags` names the leniencies that were needed to read it (`messageId.numeric`, ...). */
export type Frame = (Call | Send | CallResult | CallError | CallResultError | FrameFault) & {
  readonly flags?: readonly string[]
}
