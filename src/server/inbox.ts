/** What a frame costs beside its characters, so that a flood of empty ones has a limit too. */
const frameOverheadBytes = 32

/** Frames that had been read when reading was paused, in order. Bounded by its owner. */
export class Inbox {
  bytes = 0
  readonly #frames: { readonly text: string; readonly bytes: number }[] = []
  #next = 0

  get length(): number {
    return this.#frames.length - this.#next
  }

  add(text: string, bytes: number): void {
    this.#frames.push({ text, bytes })
    this.bytes += bytes + frameOverheadBytes
  }

  take(): string | undefined {
    const frame = this.#frames[this.#next]
    if (frame === undefined) return undefined
    this.#next++
    this.bytes -= frame.bytes + frameOverheadBytes
    return frame.text
  }
}
