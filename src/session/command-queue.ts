import type { SessionCommand } from './effect.ts'

/** Commands that wait for their turn: high priority before normal, each in the order in which they came. */
export class CommandQueue {
  #commands: SessionCommand[] = []
  #highCount = 0

  get length(): number {
    return this.#commands.length
  }

  has(commandId: string): boolean {
    return this.#commands.some((command) => command.commandId === commandId)
  }

  add(command: SessionCommand): void {
    if (command.priority === 'normal') {
      this.#commands.push(command)
      return
    }
    this.#commands.splice(this.#highCount, 0, command)
    this.#highCount += 1
  }

  take(): SessionCommand | undefined {
    const command = this.#commands.shift()
    if (command?.priority === 'high') this.#highCount -= 1
    return command
  }

  remove(commandId: string): SessionCommand | undefined {
    return this.#removeWhere((command) => command.commandId === commandId)[0]
  }

  removeExpired(nowMs: number): readonly SessionCommand[] {
    if (this.earliestExpiryMs > nowMs) return []
    return this.#removeWhere((command) => command.expiresAtMs <= nowMs)
  }

  removeAll(): readonly SessionCommand[] {
    return this.#removeWhere(() => true)
  }

  /** Infinity when nothing waits. */
  get earliestExpiryMs(): number {
    let earliest = Number.POSITIVE_INFINITY
    for (const command of this.#commands) earliest = Math.min(earliest, command.expiresAtMs)
    return earliest
  }

  #removeWhere(matches: (command: SessionCommand) => boolean): readonly SessionCommand[] {
    if (this.#commands.length === 0) return []
    const removed = this.#commands.filter(matches)
    if (removed.length === 0) return removed
    this.#commands = this.#commands.filter((command) => !matches(command))
    this.#highCount = this.#commands.filter((command) => command.priority === 'high').length
    return removed
  }
}
