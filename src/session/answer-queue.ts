import type { Effect, FrameLabel } from './effect.ts'
import type { KeptAnswer } from './replay.ts'

interface Answer {
  readonly text: string
  readonly frame: FrameLabel
  /** Where it is kept for a repeated CALL. */
  readonly kept: KeptAnswer | undefined
  /** Waits until this ticket is durable. */
  ticket: number | undefined
}

/** Answers on their way out, in the order of the CALLs; each waits until its events are durable, and for those before it. */
export class AnswerQueue {
  #queue: (Answer | KeptAnswer)[] = []

  get length(): number {
    return this.#queue.length
  }

  add(answer: Answer): void {
    this.#queue.push(answer)
  }

  /** The same answer again. It stands behind the first, so by its turn there is one. */
  addRepeat(kept: KeptAnswer): void {
    this.#queue.push(kept)
  }

  /** Tickets that nobody waits for are ignored. */
  durable(ticket: number): void {
    for (const answer of this.#queue) {
      if ('ticket' in answer && answer.ticket === ticket) {
        answer.ticket = undefined
        return
      }
    }
  }

  flush(out: Effect[], nowMs: number): void {
    let sent = 0
    for (const answer of this.#queue) {
      if ('ticket' in answer) {
        if (answer.ticket !== undefined) break
        out.push({ kind: 'send', text: answer.text, frame: answer.frame })
        if (answer.kept) settle(answer.kept, answer, nowMs)
      } else {
        if (answer.text === undefined || answer.frame === undefined) break
        out.push({ kind: 'send', text: answer.text, frame: answer.frame })
      }
      sent += 1
    }
    if (sent > 0) this.#queue.splice(0, sent)
  }

  clear(): void {
    this.#queue = []
  }
}

function settle(kept: KeptAnswer, answer: Answer, nowMs: number): void {
  kept.atMs = nowMs
  kept.text = answer.text
  kept.frame = answer.frame
}
