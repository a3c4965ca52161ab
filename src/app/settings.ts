import type { EmbeddedOptions } from '../adapters/embedded/open-embedded.ts'
import type { LocalAuthorityOptions } from '../adapters/local/authority.ts'
import type { ApiSettings } from '../api/parts.ts'
import type { Config } from '../config/schema.ts'
import { forwarderConsumer } from '../gateway/forward-cursor.ts'
import type { GatewaySettings } from '../gateway/node.ts'
import type { ServerSettings } from '../server/settings.ts'
import type { SessionSettings } from '../session/effect.ts'
import type { LoggerOptions } from './logger.ts'

// From the one configuration to what each part reads. A key that no line here or in compose.ts names has no effect, and a test says so.

export function logSettings(config: Config): Omit<LoggerOptions, 'onDropped' | 'base'> {
  return { ...config.log, bufferCharsMax: config.limits.logBufferBytesMax }
}

export function embeddedSettings(config: Config): Omit<EmbeddedOptions, 'dataDir' | 'clock' | 'metrics'> {
  const { sync, retentionMs, bytesMax, lingerMaxMs } = config.eventLog
  // What the brokers do not have yet must not be removed.
  const forwarded = config.kafka.brokers.length > 0 ? [forwarderConsumer] : []
  const requiredConsumers = [...config.eventLog.requiredConsumers, ...forwarded]
  return { nodeId: config.node.id, sync, retentionMs, bytesMax, requiredConsumers, lingerMsMax: lingerMaxMs }
}

export function authoritySettings(config: Config): Omit<LocalAuthorityOptions, 'clock' | 'logger' | 'onReload'> {
  const { mode, allowListFile, bootStatus } = config.authority
  const { bootIntervalS } = sessionSettings(config)
  return { mode, bootStatus, bootIntervalS, ...(allowListFile === undefined ? {} : { allowListFile }) }
}

const takeoverDampMsMax = 5_000

export function gatewaySettings(config: Config, version: string): GatewaySettings {
  const { schemaBaseUrl } = config.events
  return {
    node: config.node.id,
    version,
    eventsInMemoryMax: config.eventChannels.bufferSize,
    callsInFlightMax: config.limits.callsInFlightMax,
    callTimeoutMs: config.session.callTimeoutMs,
    commandAgeMaxMs: config.limits.commandAgeMaxMs,
    commandMemoryMs: config.limits.commandMemoryMs,
    commandTimeoutMaxMs: config.limits.commandTimeoutMaxMs,
    commandExpiryMaxMs: config.limits.commandExpiryMaxMs,
    commandsOpenMax: config.limits.commandsOpenMax,
    queueCallsMax: config.session.queueCallsMax,
    takeoversMax: config.limits.takeoversMax,
    takeoverDampMs: Math.min(takeoverDampMsMax, config.server.handshakeTimeoutMs / 2),
    refusalsPerMinuteMax: config.limits.refusalsPerMinuteMax,
    ...(schemaBaseUrl === undefined ? {} : { schemaBaseUrl })
  }
}

export function sessionSettings(config: Config): SessionSettings {
  const { schemaBaseUrl } = config.events
  return {
    node: config.node.id,
    bootIntervalS: Math.round(config.session.bootIntervalMs / 1000),
    queueCallsMax: config.session.queueCallsMax,
    replayWindowMs: config.session.replayWindowMs,
    replayAnswersMax: config.limits.replayAnswersMax,
    badFramesMax: config.limits.badFramesMax,
    leniency: config.leniency.mode,
    includeRaw: config.events.includeRaw,
    openTransactionsMax: config.limits.openTransactionsMax,
    endedTransactionsMax: config.limits.endedTransactionsMax,
    violationsPerMinuteMax: config.limits.violationsPerMinuteMax,
    ...(schemaBaseUrl === undefined ? {} : { schemaBaseUrl })
  }
}

export function serverSettings(config: Config): ServerSettings {
  const { server, limits } = config
  return {
    host: server.host,
    port: server.port,
    path: server.path,
    trustedProxies: server.trustedProxies,
    connectionsMax: server.connectionsMax,
    handshakeTimeoutMs: server.handshakeTimeoutMs,
    handshakesMax: limits.handshakesMax,
    payloadBytesMax: server.payloadBytesMax,
    pingIntervalMs: server.pingIntervalMs,
    idleTimeoutMs: server.idleTimeoutMs,
    compression: server.compression,
    sendBufferBytesMax: limits.sendBufferBytesMax,
    inboxBytesMax: limits.inboxBytesMax,
    backlog: server.backlog,
    closeTimeoutMs: server.closeTimeoutMs,
    ...(server.defaultVersion === 'none' ? {} : { defaultVersion: server.defaultVersion })
  }
}

export function apiSettings(config: Config): ApiSettings {
  const { api, limits } = config
  return {
    host: api.host,
    port: api.port,
    tokens: api.tokens,
    metricsToken: api.metricsToken,
    connectionsMax: limits.apiConnectionsMax,
    requestBytesMax: limits.apiRequestBytesMax,
    pageEventsMax: limits.apiPageEventsMax,
    waitMsMax: limits.apiWaitMaxMs,
    consumersMax: limits.apiConsumersMax,
    readersMax: limits.apiReadersMax,
    readerBufferBytesMax: limits.apiReaderBufferBytesMax,
    readerStallMs: limits.apiReaderStallMaxMs,
    sseHeartbeatMs: api.streamHeartbeatMs
  }
}
