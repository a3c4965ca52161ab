import type { Config } from '../../../src/config/schema.ts'
import type { Flags, GatewayInProcess } from '../../support/gateway-in-process.ts'
import type { NamedTest } from '../../support/named-tests.ts'

/** What is seen of a running gateway, with the one value of the key and with the other. */
export interface Observed {
  /** Instead of the default. */
  readonly from?: string
  /** Instead of the value in `test/config/every-key.ts`. */
  readonly to?: string
  /** In both runs. */
  readonly flags?: Flags
  /** With the changed value alone: keys that it needs. */
  readonly toFlags?: Flags
  readonly prepare?: (dir: string) => void
  /** It looks at the process: no other gateway may start meanwhile. */
  readonly isAlone?: boolean
  readonly observe: (gateway: GatewayInProcess) => Promise<unknown>
  readonly expect: readonly [before: unknown, after: unknown]
}

/** What its part is given, and the test that proves what the part does with it. */
export interface Reached {
  readonly reaches: (config: Config) => unknown
  /** When it is given otherwise than it stands in the configuration. */
  readonly as?: unknown
  readonly provenBy: NamedTest
}

export type Effect = Observed | Reached
