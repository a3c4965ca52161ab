import type { OcppVersion } from '../protocol/version.ts'
import type { EventFacts, Integer, Open } from './model.ts'

/** A charge point has opened a connection. */
export interface ChargePointConnected extends EventFacts {
  readonly version: OcppVersion
  /** The sub-protocol that was agreed; empty when the listener's default version applies. */
  readonly subprotocol: string
  readonly remoteAddress: string
  /** Present when the charge point last spoke another version. */
  readonly previousVersion?: OcppVersion
}

/**
 * The end of a connection that `charge_point.connected` has named. Its own node tells it with a `sequence`. With the reason
 * `node_lost` it has none: that node was taken for dead. Both come when the node was not dead, or had told the end already and
 * could not publish it; the one with a `sequence` says what happened. After `node_lost` nothing of this epoch is open.
 */
export interface ChargePointDisconnected extends EventFacts {
  /** A name of the table of close reasons, or `node_lost`: its node died and the end was not seen. */
  readonly reason: Open<
    | 'closed_by_charge_point'
    | 'connection_lost'
    | 'idle_timeout'
    | 'replaced'
    | 'taken_for_lost'
    | 'replacement_failed'
    | 'disconnected_by_operator'
    | 'revoked'
    | 'shutting_down'
    | 'bad_frames'
    | 'binary_frame'
    | 'payload_too_big'
    | 'too_many_fragments'
    | 'inbox_full'
    | 'invalid_utf8'
    | 'protocol_error'
    | 'not_reading'
    | 'internal_error'
    | 'node_lost'
  >
  /** The reason in plain words. */
  readonly text?: string
  /** UTC. */
  readonly connectedAt?: string
  readonly durationMs?: Integer
  readonly bytesIn?: Integer
  readonly bytesOut?: Integer
  readonly framesIn?: Integer
  readonly framesOut?: Integer
  /** The `sequence` of the last event of this connection before this one. */
  readonly lastSequence?: string
}

/** An attempt to connect that was refused before the upgrade. */
export interface ConnectionRefused extends EventFacts {
  /** A name of the table of refusals. */
  readonly code: Open<
    | 'no_such_path'
    | 'no_identity'
    | 'bad_identity'
    | 'not_a_websocket'
    | 'bad_upgrade'
    | 'no_subprotocol'
    | 'unsupported_subprotocol'
    | 'unknown_charge_point'
    | 'too_many_connections'
    | 'shutting_down'
    | 'not_available'
    | 'handshake_timeout'
    | 'internal_error'
  >
  /** HTTP status that was answered. */
  readonly status: Integer
  /** The cause and the remedy in plain words. */
  readonly text: string
  /** What was offered, which character is bad. */
  readonly detail?: string
  /** Whether coming back may help. */
  readonly retry: boolean
  readonly remoteAddress: string
  /** The sub-protocols that were offered, as they came. */
  readonly subprotocols?: string
  /** The requested URL, as it came. */
  readonly url?: string
  /** How many more refusals of this kind were not published since the last one. */
  readonly suppressed?: Integer
}

/** A message that broke the protocol of its version. */
export interface ProtocolViolation extends EventFacts {
  /** What was broken. */
  readonly violation: Open<
    | 'empty_frame'
    | 'not_json'
    | 'not_an_array'
    | 'unreadable_id'
    | 'id_too_long'
    | 'unknown_message_type'
    | 'wrong_element_count'
    | 'wrong_element_type'
    | 'binary_frame'
    | 'nested_too_deep'
    | 'unknown_action'
    | 'invalid_payload'
    | 'not_registered'
    | 'internal_error'
  >
  /** Plain words; never the raw text. */
  readonly detail: string
  /** The CALLERROR code that was answered, spelt for the version; absent when nothing was. */
  readonly code?: string
  /** How many more violations were not published since the last one. */
  readonly suppressed?: Integer
}

/** Two charge points seem to use one identity: it keeps changing hands between different senders. */
export interface IdentityShared extends EventFacts {
  readonly remoteAddresses: readonly string[]
  readonly serialNumbers?: readonly string[]
  readonly takeovers: Integer
  readonly windowMs: Integer
}

/** Stands in the topic for an event that the topic does not take: same id, epoch, sequence and time. */
export interface EventTooLarge extends EventFacts {
  /** The type of the event that it stands for. */
  readonly type: string
  /** Size of the whole event, in bytes of UTF-8. */
  readonly bytes: Integer
  /** The node whose log keeps the whole event. */
  readonly node: string
  /** Where to read it and for how long, in plain words. */
  readonly keptAt: string
}

/** A CALLERROR of a charge point. */
export interface AnsweredError {
  readonly code: string
  readonly description: string
  readonly details?: unknown
}

/** The one end of a command. */
export interface CommandOutcomeData extends EventFacts {
  readonly commandId: string
  /** The command's type: `ocpp.call`, `transaction.start`, ... */
  readonly type: string
  /**
   * `accepted`, `rejected`: the charge point's own answer; `call_error`: it answered CALLERROR; `not_sent`: it never
   * reached the socket; `unknown`: it was written, then came no answer that can be trusted.
   */
  readonly outcome: Open<'accepted' | 'rejected' | 'call_error' | 'not_sent' | 'unknown'>
  /** Why, of `not_sent` and `unknown`. */
  readonly reason?: Open<
    | 'unknown_charge_point'
    | 'offline'
    | 'expired'
    | 'cancelled'
    | 'queue_full'
    | 'unsupported'
    | 'invalid'
    | 'not_registered'
    | 'node_lost'
    | 'ledger_lost'
    | 'shutting_down'
    | 'timeout'
    | 'disconnected'
    | 'invalid_response'
  >
  /** Plain words: what to do about it. */
  readonly detail?: string
  /** The status in the charge point's answer, as it said it. */
  readonly status?: string
  /** The payload of its answer. */
  readonly response?: unknown
  readonly error?: AnsweredError
  readonly requestedBy: string
  /** UTC. */
  readonly requestedAt: string
  /** UTC; absent when it never reached the socket. */
  readonly writtenAt?: string
  /** UTC. */
  readonly settledAt: string
}

/** An answer that came after the command had ended as `unknown/timeout`. The outcome stands. */
export interface CommandLateAnswer extends EventFacts {
  readonly commandId: string
  /** The command's type. */
  readonly type?: string
  /** Milliseconds from the write to the socket to this answer. */
  readonly latencyMs?: Integer
  readonly status?: string
  readonly response?: unknown
  readonly error?: AnsweredError
}
