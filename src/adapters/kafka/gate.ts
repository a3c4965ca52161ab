/** Lets through while it is open; those who come while it is shut wait. */
export class Gate {
  #opened: PromiseWithResolvers<void> | undefined

  get isOpen(): boolean {
    return this.#opened === undefined
  }

  shut(): void {
    this.#opened ??= Promise.withResolvers()
  }

  open(): void {
    this.#opened?.resolve()
    this.#opened = undefined
  }

  /** Resolves when the gate is open, or the signal is aborted. */
  async pass(signal: AbortSignal): Promise<void> {
    if (this.#opened === undefined || signal.aborted) return
    const aborted = Promise.withResolvers<void>()
    const abort = (): void => aborted.resolve()
    signal.addEventListener('abort', abort)
    await Promise.race([this.#opened.promise, aborted.promise])
    signal.removeEventListener('abort', abort)
  }
}
