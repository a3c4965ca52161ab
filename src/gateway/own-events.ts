import { nodeLostId } from '../events/derived.ts'
import { type EnvelopeFacts, type GatewayEvent, makeEvent } from '../events/envelope.ts'
import type { EventData, EventType } from '../events/model.ts'
import { derivedId } from '../lib/derived-id.ts'
import { nearestUtcText } from '../lib/utc-text.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommandRecord, OpenEpochRecord } from '../ports/records.ts'
import type { Refusal } from './refusals.ts'
import { refusals } from './refusals.ts'
import type { SharedIdentity } from './takeover-watch.ts'

export interface OwnEventsDeps {
  readonly node: string
  readonly clock: Clock
  readonly newEventId: () => string
  readonly schemaBaseUrl?: string
}

/** Makes the events that belong to no session: outcomes, refusals, lost epochs, shared identities. */
export class OwnEvents {
  readonly #deps: OwnEventsDeps

  constructor(deps: OwnEventsDeps) {
    this.#deps = deps
  }

  /** The one outcome of a settled command; whoever publishes it again publishes the same id. */
  commandOutcome(record: CommandRecord): GatewayEvent<'command.outcome'> {
    const { commandId, type, requestedBy, requestedAtMs, writtenAtMs, settledAtMs, settlement } = record
    if (!settlement || settledAtMs === undefined) throw new TypeError(`command ${commandId} is not settled`)
    const data = {
      commandId,
      type,
      ...settlement,
      requestedBy,
      requestedAt: nearestUtcText(requestedAtMs),
      ...(writtenAtMs === undefined ? {} : { writtenAt: nearestUtcText(writtenAtMs) }),
      settledAt: nearestUtcText(settledAtMs)
    }
    return this.#event(
      'command.outcome',
      record.chargePointId,
      derivedId('command.outcome', commandId),
      settledAtMs,
      data,
      { correlationid: commandId }
    )
  }

  /** An epoch that its node has not closed, as far as the teller can see. No sequence: nobody knows how far it came. */
  nodeLost(open: OpenEpochRecord & { readonly node?: string }): GatewayEvent<'charge_point.disconnected'> {
    const { chargePointId, epoch, version, connectedAtMs, node = this.#deps.node } = open
    const data = {
      reason: 'node_lost',
      text: 'the gateway node died while the charge point was connected',
      connectedAt: nearestUtcText(connectedAtMs)
    }
    const id = nodeLostId(chargePointId, epoch, node)
    return this.#event('charge_point.disconnected', chargePointId, id, this.#deps.clock.now(), data, {
      ocppversion: version,
      position: { epoch }
    })
  }

  connectionRefused(
    chargePointId: string,
    refusal: Refusal,
    about: {
      readonly remoteAddress: string
      readonly subprotocols?: string
      readonly url?: string
      readonly suppressed?: number
    }
  ): GatewayEvent<'connection.refused'> {
    const { code, detail } = refusal
    const { status, retry, text } = refusals[code]
    const data = {
      code,
      status,
      text,
      retry,
      ...(detail === undefined ? {} : { detail }),
      ...about
    }
    return this.#event('connection.refused', chargePointId, this.#deps.newEventId(), this.#deps.clock.now(), data)
  }

  identityShared(chargePointId: string, about: SharedIdentity): GatewayEvent<'identity.shared'> {
    return this.#event('identity.shared', chargePointId, this.#deps.newEventId(), this.#deps.clock.now(), { ...about })
  }

  #event<T extends EventType>(
    type: T,
    chargePointId: string,
    id: string,
    timeMs: number,
    data: EventData[T],
    more: Pick<EnvelopeFacts, 'position' | 'ocppversion' | 'correlationid'> = {}
  ): GatewayEvent<T> {
    const { node, schemaBaseUrl } = this.#deps
    return makeEvent({ type, data }, { id, chargePointId, time: nearestUtcText(timeMs), node, schemaBaseUrl, ...more })
  }
}
