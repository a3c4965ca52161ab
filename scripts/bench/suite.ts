/** What all suites are given; each takes of it what it needs. */
export interface SuiteOptions {
  /** Interleaved rounds, of which the median counts. */
  readonly rounds: number
  readonly seconds: number
  /** Charge points that talk. */
  readonly connections: number
  /** Charge points of the boot storm. */
  readonly stations: number
  readonly commands: number
  /** How long a charge point whose connection broke waits before it connects again. */
  readonly backOffMs: number
  readonly progress: (line: string) => void
}

/** Measures a cluster and gives its figures as Markdown. Fails when what it measured is not what it thought. */
export interface Suite {
  readonly name: string
  readonly about: string
  readonly run: (options: SuiteOptions) => Promise<string>
}
