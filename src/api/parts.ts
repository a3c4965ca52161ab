import type { ChargePointsView, CommandDeskView, NodeView } from '../gateway/views.ts'
import type { Clock } from '../ports/clock.ts'
import type { Directory } from '../ports/directory.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { Logger } from '../ports/logger.ts'

/** A bearer token; commands sent with it are `requestedBy` its name (`api` without one). */
export interface ApiToken {
  readonly name?: string
  readonly token: string
}

export interface ApiSettings {
  readonly host: string
  readonly port: number
  /** Empty: none is needed, and then `host` has to be loopback. */
  readonly tokens: readonly (ApiToken | string)[]
  /** Token of `/metrics`; undefined: none is needed. */
  readonly metricsToken?: string | undefined
  readonly connectionsMax: number
  readonly requestBytesMax: number
  /** Most entries of any page. A page of events reads at most ten times as many to find them. */
  readonly pageEventsMax: number
  /** Upper bound of `Prefer: wait`. */
  readonly waitMsMax: number
  readonly consumersMax: number
  /** Event streams open at once. */
  readonly readersMax: number
  /** Bytes in memory for one reader of a stream: the log is read no further for it until they are taken. */
  readonly readerBufferBytesMax: number
  /** A reader that takes nothing of what waits for it for so long is cut. */
  readonly readerStallMs: number
  /** Interval of the sign of life in a stream. */
  readonly sseHeartbeatMs: number
}

/** All that the API sees of the gateway. */
export interface ApiParts {
  readonly settings: ApiSettings
  readonly log: EventLog
  readonly chargePoints: ChargePointsView
  readonly directory: Pick<Directory, 'transactions'>
  readonly desk: CommandDeskView
  readonly node: NodeView
  readonly metricsText: () => Promise<string>
  /** JSON Schemas (draft-07) by event type. */
  readonly eventSchemas: ReadonlyMap<string, object>
  readonly clock: Clock
  readonly logger: Logger
}
