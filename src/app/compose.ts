import { randomUUIDv7 } from 'node:crypto'
import { resolve } from 'node:path'
import { openEmbedded } from '../adapters/embedded/open-embedded.ts'
import { createLocalAuthority } from '../adapters/local/authority.ts'
import { createPrometheusMetrics } from '../adapters/prometheus/metrics.ts'
import { createApi } from '../api/create-api.ts'
import type { Config } from '../config/schema.ts'
import { rulesOf } from '../events/to-events.ts'
import { createGatewayNode } from '../gateway/node.ts'
import { createSystemClock } from '../lib/system-clock.ts'
import type { Logger } from '../ports/logger.ts'
import { createValidator } from '../protocol/validate.ts'
import { type OcppVersion, ocppVersions } from '../protocol/version.ts'
import { createChargePointServer } from '../server/charge-point-server.ts'
import type { SessionTools } from '../session/context.ts'
import { Session } from '../session/session.ts'
import { createLogger } from './logger.ts'
import { readSchemas } from './schemas.ts'
import {
  apiSettings,
  authoritySettings,
  embeddedSettings,
  gatewaySettings,
  logSettings,
  serverSettings,
  sessionSettings
} from './settings.ts'
import { stopInOrder } from './stop-in-order.ts'
import { alone, type Surroundings } from './surroundings.ts'
import { Unwind } from './unwind.ts'

/** A gateway that listens. */
export interface RunningGateway {
  readonly chargePoints: { readonly host: string; readonly port: number }
  readonly api: { readonly host: string; readonly port: number }
  /** The absolute path. */
  readonly dataDir: string
  /** Stop without losing anything, within `shutdown.deadline`. */
  stop(): Promise<void>
}

export interface StartIo {
  readonly version: string
  readonly terminal: boolean
  /** To be logged once, at start. */
  readonly notices: readonly string[]
}

/**
 * Put a gateway together from its configuration and start it: the only place that names adapters. Rejects with a
 * `GatewayError` that says what to do, and leaves nothing open then.
 */
export async function startGateway(config: Config, io: StartIo): Promise<RunningGateway> {
  const opened = new Unwind()
  // Timers of the clock do not keep a process alive. Until it listens something must: a start never ends without a word.
  const alive = setInterval(() => undefined, 60_000)
  try {
    return await start(config, io, opened)
  } catch (error) {
    await opened.run()
    throw error
  } finally {
    clearInterval(alive)
  }
}

async function start(config: Config, io: StartIo, opened: Unwind): Promise<RunningGateway> {
  const clock = createSystemClock()
  const dataDir = resolve(config.dataDir)
  const metrics = createPrometheusMetrics()
  opened.push(() => metrics.close())
  const dropped = metrics.counter('log_lines_dropped_total', {})
  const logger = createLogger({
    ...logSettings(config),
    onDropped: (lines) => dropped.inc(lines),
    base: { node: config.node.id }
  })
  opened.push(() => logger.close())
  for (const notice of io.notices) logger.warn({}, notice)

  const embedded = await openEmbedded({
    ...embeddedSettings(config),
    dataDir,
    clock,
    metrics,
    ...(config.redis.url === undefined
      ? {}
      : { transactionIdBlocks: (count, atLeast) => outside.transactionIdBlocks(count, atLeast) })
  })
  opened.push(() => embedded.close())
  // The clients of Kafka and Redis are loaded by those who use them: they are half of the time that a start takes.
  const isAlone = config.redis.url === undefined && config.kafka.brokers.length === 0
  const outside: Surroundings = isAlone
    ? alone(embedded)
    : new (await import('./outside.ts')).Outside({ config, embedded, clock, logger, metrics })
  opened.push(() => outside.close())
  const authority = createLocalAuthority({
    ...authoritySettings(config),
    clock,
    logger
  })
  opened.push(() => authority.close())

  const tools = toolsByVersion(sessionSettings(config))
  const node = createGatewayNode({
    settings: gatewaySettings(config, io.version),
    clock,
    logger,
    metrics,
    authority,
    log: embedded.log,
    store: embedded.store,
    ...outside.ports,
    ids: { eventId: randomUUIDv7, commandId: randomUUIDv7 },
    makeSession: (session) => new Session(tools[session.version], session)
  })
  await outside.start(node)
  const recovered = node.recover()
  // What waits for Redis is settled when it is there; charge points do not wait for that.
  if (config.redis.url === undefined) await recovered
  else
    recovered.catch((error: unknown) => logger.error({ error }, 'what an earlier life left open could not be settled'))

  const server = createChargePointServer({
    ...serverSettings(config),
    gatekeeper: node.hub,
    clock,
    metrics,
    log: logger
  })
  const api = createApi({
    settings: apiSettings(config),
    log: embedded.log,
    chargePoints: outside.points(node),
    directory: outside.ports.directory,
    desk: node.desk,
    node,
    metricsText: () => metrics.text(),
    eventSchemas: readSchemas(),
    clock,
    logger
  })
  opened.push(() => api.close())
  const apiAddress = await api.listen()
  opened.push(() => server.close())
  const chargePoints = await server.listen()
  node.started()
  const stopWarming = warmUp(tools, logger)
  return {
    chargePoints,
    api: apiAddress,
    dataDir,
    async stop() {
      stopWarming()
      logger.info({ connections: node.connections }, 'the gateway stops')
      await stopInOrder({ outside, server, node, clock, logger }, config.shutdown.deadlineMs)
      await opened.run()
    }
  }
}

function toolsByVersion(settings: SessionTools['settings']): Readonly<Record<OcppVersion, SessionTools>> {
  const ids = { eventId: randomUUIDv7, messageId: randomUUIDv7 }
  const make = (version: OcppVersion): SessionTools => ({
    settings,
    ids,
    validator: createValidator(version),
    rules: rulesOf(version)
  })
  return { '1.6': make('1.6'), '2.0.1': make('2.0.1'), '2.1': make('2.1') }
}

/** Compile the schemas that no message has asked for yet, one a turn, so that the start need not wait for them. */
function warmUp(tools: Readonly<Record<OcppVersion, SessionTools>>, logger: Logger): () => void {
  const beganMs = performance.now()
  const steps = ocppVersions.map((version) => tools[version].validator.warm())
  let schemas = 0
  let stopped = false
  const step = () => {
    if (stopped) return
    const [first] = steps
    if (!first) {
      logger.debug({ schemas, tookMs: Math.round(performance.now() - beganMs) }, 'every schema is compiled')
      return
    }
    if (first.next().done) steps.shift()
    else schemas++
    setImmediate(step)
  }
  setImmediate(step)
  return () => {
    stopped = true
  }
}
