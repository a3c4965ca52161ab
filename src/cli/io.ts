/** What a command has of the world outside, so that a test needs no process. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  out(text: string): void
  err(text: string): void
  /** True when a person reads `out`: tables and colours are fine. */
  readonly terminal: boolean
  /** Width of the terminal in characters. */
  readonly columns: number
  /** True when `out` may have colours. */
  readonly colours: boolean
  /** Aborted when the user asks to stop (SIGINT, SIGTERM) and the command follows something without end. */
  readonly signal: AbortSignal
}

/** A command of the binary. `run` returns the exit code: 0 fine, 1 failed, 2 wrong usage or configuration. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string
  /** What `--help` prints. */
  readonly usage: string
  run(argv: readonly string[], io: Io): Promise<number>
}
