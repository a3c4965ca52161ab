import type { MessageId } from '../protocol/message.ts'
import type { FrameLabel } from './effect.ts'

/** A CALL in progress, and later its answer, kept so that a repetition gets the same one. */
export interface KeptAnswer {
  readonly charsCount: number
  readonly hash: number
  /** When the CALL came, then when it was answered. */
  atMs: number
  /** Absent while the CALL is in progress. */
  text?: string
  frame?: FrameLabel
}

/**
 * The answers of one connection by message id (D7). Ids are only compared within the connection: after a reboot stations
 * begin to count anew (quirk 19).
 */
export class Replay {
  readonly #windowMs: number
  readonly #answersMax: number
  readonly #kept = new Map<MessageId, KeptAnswer>()

  constructor(windowMs: number, answersMax: number) {
    this.#windowMs = windowMs
    this.#answersMax = answersMax
  }

  /** The CALL that this frame repeats: the same id and the same text, in progress or answered within the window. */
  find(id: MessageId, text: string, nowMs: number): KeptAnswer | undefined {
    const kept = this.#kept.get(id)
    if (!kept || kept.charsCount !== text.length) return undefined
    if (kept.text !== undefined && nowMs - kept.atMs > this.#windowMs) return undefined
    return kept.hash === hashOf(text) ? kept : undefined
  }

  /** A new CALL begins; what had its id before is forgotten. */
  begin(id: MessageId, text: string, nowMs: number): KeptAnswer {
    const kept: KeptAnswer = { charsCount: text.length, hash: hashOf(text), atMs: nowMs }
    // Set anew, so that the order of the map stays the order of the CALLs.
    if (this.#kept.has(id)) this.#kept.delete(id)
    this.#kept.set(id, kept)
    this.#forgetOld(nowMs)
    return kept
  }

  /** Not to be replayed: the next frame with this id is dealt with as a new CALL. */
  forget(id: MessageId, kept: KeptAnswer): void {
    if (this.#kept.get(id) === kept) this.#kept.delete(id)
  }

  /** CALLs in progress are never forgotten here: how many there are is bounded by what a connection reads ahead. */
  #forgetOld(nowMs: number): void {
    for (const [id, kept] of this.#kept) {
      if (kept.text === undefined) return
      if (this.#kept.size <= this.#answersMax && nowMs - kept.atMs <= this.#windowMs) return
      this.#kept.delete(id)
    }
  }
}

/** 53 bits over a whole frame, cheap enough for every message (cyrb53). It only ever tells texts with one id apart. */
function hashOf(text: string): number {
  let low = 0xdeadbeef
  let high = 0x41c6ce57
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i)
    low = Math.imul(low ^ unit, 2654435761)
    high = Math.imul(high ^ unit, 1597334677)
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  return 4294967296 * (2097151 & high) + (low >>> 0)
}
