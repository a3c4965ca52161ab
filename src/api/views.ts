import type { ChargePointView } from '../gateway/views.ts'
import type { ConsumerRecord, EventLog } from '../ports/event-log.ts'
import type { CommandRecord, ConnectionRecord, TransactionRecord } from '../ports/records.ts'
import { closeReasons } from '../session/close-reasons.ts'
import { isoTime } from './answer.ts'
import { encodeCursor, isTrimmed } from './cursor.ts'

type Json = Readonly<Record<string, unknown>>

function timeOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : isoTime(ms)
}

function reasonText(reason: string): string {
  if (reason === 'node_lost') return 'the gateway ended without closing its connections'
  return Object.hasOwn(closeReasons, reason) ? closeReasons[reason as keyof typeof closeReasons].text : reason
}

function connectionJson(connection: ConnectionRecord): Json {
  const { connectedAtMs, disconnectedAtMs, reason, ...rest } = connection
  return {
    ...rest,
    connectedAt: isoTime(connectedAtMs),
    ...(disconnectedAtMs === undefined
      ? {}
      : { disconnectedAt: isoTime(disconnectedAtMs), durationMs: Math.max(0, disconnectedAtMs - connectedAtMs) }),
    ...(reason === undefined ? {} : { reason, reasonText: reasonText(reason) })
  }
}

// Members that are undefined are absent in JSON, as interface demands: an absent fact is an absent member.

export function chargePointJson({ record, live }: ChargePointView): Json {
  const { registration, connections } = record
  const ended = connections.find(({ disconnectedAtMs }) => disconnectedAtMs !== undefined)
  return {
    id: record.chargePointId,
    connected: live !== undefined,
    version: record.version,
    epoch: live?.epoch ?? record.epoch,
    node: live?.node ?? connections[0]?.node,
    vendor: record.vendor,
    model: record.model,
    firmware: record.firmware,
    serialNumber: record.serialNumber,
    registration: registration && {
      status: registration.status,
      intervalS: registration.intervalS,
      decidedAt: isoTime(registration.decidedAtMs)
    },
    connectedAt: timeOf(live?.connectedAtMs),
    lastSeenAt: timeOf(live?.lastSeenAtMs),
    remoteAddress: live?.remoteAddress ?? connections[0]?.remoteAddress,
    queuedCalls: live?.queuedCalls,
    lastDisconnect:
      ended?.disconnectedAtMs !== undefined && ended.reason !== undefined
        ? { at: isoTime(ended.disconnectedAtMs), reason: ended.reason, text: reasonText(ended.reason) }
        : undefined
  }
}

export function chargePointWithHistoryJson(view: ChargePointView): Json {
  return { ...chargePointJson(view), connections: view.record.connections.map(connectionJson) }
}

/** The outcome stands in it as in the event `command.outcome`. */
export function commandJson(record: CommandRecord): Json {
  return {
    id: record.commandId,
    chargePointId: record.chargePointId,
    type: record.type,
    data: record.data,
    priority: record.priority,
    timeoutMs: record.timeoutMs,
    expiresAt: isoTime(record.expiresAtMs),
    requestedBy: record.requestedBy,
    requestedAt: isoTime(record.requestedAtMs),
    node: record.node,
    epoch: record.epoch,
    state: record.state === 'claimed' ? 'queued' : record.state,
    writtenAt: timeOf(record.writtenAtMs),
    settledAt: timeOf(record.settledAtMs),
    ...record.settlement
  }
}

export function transactionJson({ seen: _, updatedAtMs, ...rest }: TransactionRecord): Json {
  return { ...rest, updatedAt: isoTime(updatedAtMs) }
}

export function consumerJson(log: EventLog, consumer: ConsumerRecord): Json {
  const range = log.range()
  return {
    name: consumer.name,
    cursor: encodeCursor(log.id, consumer.position),
    required: consumer.required,
    overtaken: isTrimmed(range, consumer.position),
    behind: Math.max(0, range.durable - consumer.position),
    updatedAt: isoTime(consumer.updatedAtMs)
  }
}
