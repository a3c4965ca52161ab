import type { Authority } from '../ports/authority.ts'
import type { Clock } from '../ports/clock.ts'
import type { Directory } from '../ports/directory.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { NodeStore } from '../ports/node-store.ts'
import type { SessionRegistry } from '../ports/session-registry.ts'
import type { ChargePointSession, SessionStart } from '../session/effect.ts'
import { CommandDesk, type CommandRoute } from './command-desk.ts'
import { GatewayCounters } from './counters.ts'
import { type DrainReport, drain } from './drain.ts'
import { Hub } from './hub.ts'
import { OwnEvents } from './own-events.ts'
import { type DurabilityGate, EventPipeline } from './pipeline.ts'
import { Readiness } from './readiness.ts'
import { closeLostEpochs } from './recovery.ts'
import { RefusalLog } from './refusal-log.ts'
import { Registrations } from './registrations.ts'
import { TakeoverWatch } from './takeover-watch.ts'
import type { DependencyState, NodeView } from './views.ts'

export interface GatewaySettings {
  readonly node: string
  readonly version: string
  readonly eventsInMemoryMax: number
  readonly callsInFlightMax: number
  readonly callTimeoutMs: number
  readonly commandAgeMaxMs: number
  readonly commandMemoryMs: number
  readonly commandTimeoutMaxMs: number
  readonly commandExpiryMaxMs: number
  readonly commandsOpenMax: number
  readonly queueCallsMax: number
  readonly takeoversMax: number
  readonly takeoverDampMs: number
  readonly refusalsPerMinuteMax: number
  readonly schemaBaseUrl?: string
}

export interface GatewayDeps {
  readonly settings: GatewaySettings
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly log: EventLog
  readonly store: NodeStore
  readonly directory: Directory
  readonly registry: SessionRegistry
  readonly ledger: Ledger
  readonly authority: Authority
  readonly ids: { readonly eventId: () => string; readonly commandId: () => string }
  readonly makeSession: (start: SessionStart) => ChargePointSession
  /** The way to charge points of other nodes; absent: there are none. */
  readonly route?: CommandRoute
  /** When an answer waits for more than the own disk. */
  readonly gate?: DurabilityGate
}

/** One gateway node: who is connected, what they said, what they were told. Sockets and HTTP stand around it. */
export interface GatewayNode extends NodeView {
  readonly hub: Hub
  readonly desk: CommandDesk
  readonly pipeline: EventPipeline
  readonly events: OwnEvents
  readonly registrations: Registrations
  /** Publish what an earlier life of this node left open, in front of everything else. Before the first connection. */
  recover(): Promise<void>
  /** Name another dependency in the readiness; being away does not make the node unready: it goes on by itself. */
  dependsOn(dependency: () => DependencyState): void
  /** Say that everything listens. */
  started(): void
  /** Say that the stop has begun: no more charge points are to be sent here. */
  stopping(): void
  /** Tell the charge points, finish what is in flight, close the sockets in a paced way, flush. */
  stop(deadlineMs: number): Promise<DrainReport>
}

/** Put the node together from its ports. Nothing runs before `recover`. */
export function createGatewayNode(deps: GatewayDeps): GatewayNode {
  const { settings, clock, logger, metrics, log, store, directory, registry, ledger, authority, ids } = deps
  const counters = new GatewayCounters(metrics)
  const events = new OwnEvents({
    node: settings.node,
    clock,
    newEventId: ids.eventId,
    ...(settings.schemaBaseUrl === undefined ? {} : { schemaBaseUrl: settings.schemaBaseUrl })
  })
  let appendFailures = 0
  const pipeline = new EventPipeline({
    log,
    capacity: settings.eventsInMemoryMax,
    ...(deps.gate === undefined ? {} : { gate: deps.gate }),
    onPressure: (full) => {
      if (full)
        logger.warn(
          { events: settings.eventsInMemoryMax },
          'the event log does not keep up: charge points are not read until it does'
        )
      else hub.resumeReading()
    },
    onFailure: (error) => {
      // Everything that waits fails with the log, which is closed: once is enough to know.
      if (appendFailures++ > 0) return
      // At the end of a stop that was too short for them, of which the drain has told; at any other time it is a mistake.
      logger[readiness.isStopping ? 'warn' : 'error']({ error }, 'events could not be appended: the log is closed')
    }
  })
  const desk = new CommandDesk({
    node: settings.node,
    clock,
    ledger,
    directory,
    pipeline,
    events,
    counters,
    logger,
    find: (chargePointId) => hub.find(chargePointId),
    ...(deps.route === undefined ? {} : { route: deps.route }),
    newCommandId: ids.commandId,
    callTimeoutMs: settings.callTimeoutMs,
    commandAgeMaxMs: settings.commandAgeMaxMs,
    commandMemoryMs: settings.commandMemoryMs,
    commandTimeoutMaxMs: settings.commandTimeoutMaxMs,
    commandExpiryMaxMs: settings.commandExpiryMaxMs,
    commandsOpenMax: settings.commandsOpenMax,
    queueCallsMax: settings.queueCallsMax,
    logIsStalled: () => {
      const { full, failing } = log.state()
      return full || failing !== undefined
    }
  })
  const registrations = new Registrations({ clock, store, directory, registry })
  const hub: Hub = new Hub({
    node: settings.node,
    registry,
    directory,
    refusals: new RefusalLog({ clock, logger, pipeline, events, perMinuteMax: settings.refusalsPerMinuteMax }),
    takeovers: new TakeoverWatch({
      clock,
      takeoversMax: settings.takeoversMax,
      dampMs: settings.takeoverDampMs,
      onShared: (chargePointId, about) => {
        logger.warn({ chargePointId, ...about }, 'two stations seem to share one charge point id')
        pipeline.publish([{ event: events.identityShared(chargePointId, about), changes: [] }])
      }
    }),
    parts: {
      clock,
      authority,
      directory,
      ledger,
      pipeline,
      counters,
      logger,
      callsInFlightMax: settings.callsInFlightMax,
      settle: (commandId, outcome) => desk.settle(commandId, outcome)
    },
    makeSession: deps.makeSession,
    forgetRegistration: (chargePointId) => registrations.forget(chargePointId)
  })
  authority.onRevoked((isRevoked) => hub.revoke(isRevoked))
  const readiness = new Readiness({ clock, log })
  registerGauges(metrics, { pipeline, desk, readiness, capacity: settings.eventsInMemoryMax })
  return {
    id: settings.node,
    version: settings.version,
    startedAtMs: clock.now(),
    hub,
    desk,
    pipeline,
    events,
    registrations,
    dependsOn: (dependency) => {
      readiness.dependsOn(dependency)
      const { name } = dependency()
      metrics.gauge('dependency_up', { name }, () => (dependency().state === 'up' ? 1 : 0))
    },
    get connections() {
      return hub.size
    },
    readiness: () => readiness.report(),
    stages: () => pipeline.stages(),
    async recover() {
      const epochs = closeLostEpochs(store, pipeline, events, clock.now())
      const commands = await desk.recover()
      if (epochs + commands > 0)
        logger.warn(
          { epochs, commands },
          'the gateway was not stopped cleanly: lost connections and commands are settled now'
        )
      // Not awaited on disk: a full log has room again only when its readers can come, and they come after the start.
      pipeline.flush()
    },
    started: () => readiness.started(),
    stopping: () => readiness.stopping(),
    stop: (deadlineMs) => {
      readiness.stopping()
      return drain({ hub, desk, pipeline, clock, logger }, deadlineMs)
    }
  }
}

interface Gauged {
  readonly pipeline: EventPipeline
  readonly desk: CommandDesk
  readonly readiness: Readiness
  readonly capacity: number
}

function registerGauges(metrics: Metrics, { pipeline, desk, readiness, capacity }: Gauged): void {
  for (const { stage } of pipeline.stages()) {
    const depth = () => pipeline.stages().find((other) => other.stage === stage)
    metrics.gauge('event_stage_depth', { stage }, () => depth()?.depth ?? 0)
    metrics.gauge('event_stage_depth_high_water', { stage }, () => depth()?.highWater ?? 0)
  }
  metrics.gauge('event_stage_capacity', {}, () => capacity)
  metrics.gauge('commands_open', {}, () => desk.openCommands)
  metrics.gauge('ready', {}, () => (readiness.report().ready ? 1 : 0))
  metrics.gauge('dependency_up', { name: 'event_log' }, () => (readiness.eventLog().state === 'up' ? 1 : 0))
}
