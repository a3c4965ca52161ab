import type { OcppVersion } from '../protocol/version.ts'
import type { CloseReason } from '../session/close-reasons.ts'
import type { ConnectionTotals } from '../session/effect.ts'
import type { Refusal } from './refusals.ts'

/** Who may hold a socket from being read: the log that does not keep up, its own unanswered CALLs, the stop. */
export const holdNames = ['log', 'inflight', 'stop'] as const
export type HoldName = (typeof holdNames)[number]

/** One socket, as the gateway sees it. The server is its only implementation outside tests. */
export interface Wire {
  /** Write one text frame. After the socket has ended: a counted no-op. */
  send(text: string): void
  /** Begin to close with this reason; `Conversation.closed` follows exactly once. Idempotent. */
  close(reason: CloseReason): void
  /** Stop and go on reading the socket. While paused the idle clock stands still. Nested by name: reading goes on when no name holds it. */
  pause(why: HoldName): void
  resume(why: HoldName): void
  totals(): ConnectionTotals
}

/** What a socket tells the gateway. Calls come in order; after `closed` none. None of them throws. */
export interface Conversation {
  frame(text: string): void
  /** The socket has ended, for this reason. `peerCode` is the code of the charge point's close frame, if one came. */
  closed(reason: CloseReason, peerCode?: number): void
}

/** What the server found out before the upgrade. */
export interface Handshake {
  readonly chargePointId: string
  readonly version: OcppVersion
  /** The sub-protocol that will be echoed; empty when the listener's default version applies. */
  readonly subprotocol: string
  readonly remoteAddress: string
}

export type Admitted =
  | { readonly ok: false; readonly refusal: Refusal }
  | {
      readonly ok: true
      /** The upgrade has succeeded. */
      open(wire: Wire): Conversation
      /** The client went away before the upgrade was done. */
      abandon(): void
    }

/** The gateway's side of the door: the server asks it for every connection. */
export interface Gatekeeper {
  admit(handshake: Handshake): Promise<Admitted>
  /** A connection that the server or `admit` refused: kept for diagnosis, published (rate-limited) and counted. */
  refused(
    refusal: Refusal,
    about: {
      readonly chargePointId?: string
      readonly remoteAddress: string
      readonly subprotocols?: string
      readonly url?: string
    }
  ): void
}
