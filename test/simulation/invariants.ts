import { nodeLostId } from '../../src/events/derived.ts'
import type { ChargePointRecord } from '../../src/ports/records.ts'
import type { World } from './world.ts'

interface TopicEvent {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly node: string
  readonly epoch?: number
  readonly sequence?: string
  readonly text: string
  readonly data: Readonly<Record<string, unknown>>
}

/** What must hold when everything has healed and drained. Each line says what is broken. */
export function brokenInvariants(world: World): readonly string[] {
  const events = topicOf(world)
  return [
    ...everythingIsInTheTopic(world, events),
    ...sequencesAreWhole(events),
    ...epochsAreUnique(world, events),
    ...oneContentForEachId(world),
    ...everyEpochEnds(world, events),
    ...stopsTellTheirEnds(world, events),
    ...commandsEndOnce(world, events),
    ...startsKeepTheirId(world, events),
    ...endsAreRemembered(world, events),
    ...atRest(world, events)
  ]
}

/** As a consumer sees it: in the order of each partition, of equal ids the first. */
function topicOf({ bus }: World): readonly TopicEvent[] {
  const seen = new Set<string>()
  const events: TopicEvent[] = []
  for (const { value } of bus.events.flat()) {
    const event = JSON.parse(value) as TopicEvent
    const key = `${event.subject} ${event.id}`
    if (!seen.has(key)) events.push({ ...event, text: value })
    seen.add(key)
  }
  return events
}

/** Whoever repeats an event says the same. */
function oneContentForEachId({ bus, redis }: World): string[] {
  const contents = new Map<string, string>()
  const broken: string[] = []
  for (const { value } of bus.events.flat()) {
    const event = JSON.parse(value) as TopicEvent
    // Who cannot know how it ended says so under the same id as who knows it and is away; the first stands. [ADR 6]
    if (event.type === 'command.outcome' && event.data.reason === 'ledger_lost') continue
    const content = contentOf(event, value, redis.flushes > 0)
    const first = contents.get(event.id) ?? content
    if (first !== content) broken.push(`${event.id}: ${content} after ${first}`)
    contents.set(event.id, first)
  }
  return broken
}

/** Of what several nodes may publish, the publisher and its time are its own; after a loss, the times of a command too. */
function contentOf(event: TopicEvent, text: string, wasEmptied: boolean): string {
  const { type, data } = event
  if (type === 'command.outcome' && wasEmptied) return `${data.outcome} ${data.reason ?? ''}`
  const isShared = type === 'command.outcome' || data.reason === 'node_lost'
  return isShared ? JSON.stringify({ ...event, node: '', time: '' }) : text
}

function everythingIsInTheTopic(world: World, events: readonly TopicEvent[]): string[] {
  const broken: string[] = []
  const ids = new Set(events.map(({ id }) => id))
  for (const { name, disk } of world.nodes) {
    for (const { text, position } of disk.everLogged) {
      const { id } = JSON.parse(text) as TopicEvent
      if (!ids.has(id))
        broken.push(`${name}: position ${position} is on disk and not in the topic: ${text.slice(0, 160)}`)
    }
  }
  for (const { chargePointId, answered } of world.stations) {
    const texts = events.filter(({ subject }) => subject === chargePointId).map(({ text }) => text)
    for (const token of answered) {
      const number = token.slice(1)
      if (!texts.some((text) => text.includes(number)))
        broken.push(`${chargePointId}: ${token} was answered and is not in the topic`)
    }
  }
  return broken
}

function sequencesAreWhole(events: readonly TopicEvent[]): string[] {
  const broken: string[] = []
  const last = new Map<string, number>()
  for (const { subject, node, epoch, sequence } of events) {
    if (sequence === undefined) continue
    const key = `${subject} ${epoch} of ${node}`
    const n = Number(sequence.split('-')[1])
    if (n !== (last.get(key) ?? 0) + 1) broken.push(`${key}: ${n} after ${last.get(key) ?? 0}`)
    last.set(key, n)
  }
  return broken
}

function epochsAreUnique({ network, redis }: World, events: readonly TopicEvent[]): string[] {
  const broken: string[] = []
  const seen = new Set<string>()
  const registryWasThere = !network.redisWasAway && redis.flushes === 0
  for (const { type, subject, node, epoch } of events) {
    if (type !== 'charge_point.connected') continue
    const key = registryWasThere ? `${subject} ${epoch}` : `${subject} ${epoch} of ${node}`
    if (seen.has(key)) broken.push(`${key}: the epoch was given twice`)
    seen.add(key)
  }
  return broken
}

/**
 * Each epoch of a node begins once and ends: told by its node once at most, or as lost, or both, when the node was not dead or
 * could not publish the end. What is told as lost goes on nowhere, unless Redis forgot that it was.
 */
function everyEpochEnds(world: World, events: readonly TopicEvent[]): string[] {
  const ids = new Set(events.map(({ id }) => id))
  const told = (type: string) =>
    events
      .filter((event) => event.type === type && event.data.reason !== 'node_lost')
      .map(({ subject, epoch, node }) => ({ subject, epoch: epoch ?? 0, node }))
  const keyOf = ({ subject, epoch, node }: { subject: string; epoch: number; node: string }) =>
    `${subject} ${epoch} of ${node}`
  const ended = told('charge_point.disconnected').map(keyOf)
  const ends = new Set(ended)
  const living = new Set(
    world.nodes.flatMap(({ name, gateway }) =>
      (gateway?.hub.conversations() ?? []).map(({ session }) =>
        keyOf({ subject: session.chargePointId, epoch: session.epoch, node: name })
      )
    )
  )
  const begun = told('charge_point.connected')
  const beginnings = new Set(begun.map(keyOf))
  const broken: string[] = []
  for (const one of begun) {
    const key = keyOf(one)
    const isLost = ids.has(nodeLostId(one.subject, one.epoch, one.node))
    if (!living.has(key) && !ends.has(key) && !isLost) broken.push(`${key}: begun and never ended`)
    if (living.has(key) && ends.has(key)) broken.push(`${key}: ended, and lives`)
    if (living.has(key) && isLost && world.redis.flushes === 0) broken.push(`${key}: told as lost, and lives`)
  }
  if (ends.size < ended.length) broken.push(`ended twice: ${ended.filter((key, n) => ended.indexOf(key) < n)}`)
  for (const key of ends) if (!beginnings.has(key)) broken.push(`${key}: ended and never begun`)
  return broken
}

/** A node that stops says so of each session itself; nobody takes them for lost while the registry is there. */
function stopsTellTheirEnds({ stopped, network, redis }: World, events: readonly TopicEvent[]): string[] {
  const broken: string[] = []
  const ids = new Set(events.map(({ id }) => id))
  const registryWasThere = !network.redisWasAway && redis.flushes === 0
  for (const { chargePointId, epoch, node, isGivenBack } of stopped) {
    const key = `${chargePointId} ${epoch} of ${node}`
    const told = events.some(
      (event) =>
        event.type === 'charge_point.disconnected' &&
        event.subject === chargePointId &&
        event.epoch === epoch &&
        event.node === node &&
        event.data.reason !== 'node_lost'
    )
    if (!told) broken.push(`${key}: stopped, and its end is not told by its node`)
    if (registryWasThere && isGivenBack && ids.has(nodeLostId(chargePointId, epoch, node)))
      broken.push(`${key}: stopped, and told as lost`)
  }
  return broken
}

function commandsEndOnce(world: World, events: readonly TopicEvent[]): string[] {
  const broken: string[] = []
  const outcomes = new Map<string, TopicEvent[]>()
  for (const event of events) {
    if (event.type !== 'command.outcome') continue
    const id = String(event.data.commandId)
    outcomes.set(id, [...(outcomes.get(id) ?? []), event])
  }
  for (const [id, { isTaken, chargePointId }] of world.ordered) {
    const told = outcomes.get(id) ?? []
    const writes = world.written.get(id) ?? 0
    if (writes > 1) broken.push(`${id}: was written ${writes} times`)
    if (told.length > 1) broken.push(`${id}: has ${told.length} outcomes`)
    if (told.length === 0 && (isTaken || writes > 0)) broken.push(`${id}: has no outcome (written ${writes} times)`)
    const [event] = told
    if (!event) continue
    const outcome = String(event.data.outcome)
    const said = world.stations.find((station) => station.chargePointId === chargePointId)?.said.get(id)
    const truth = { accepts: 'accepted', rejects: 'rejected', errors: 'call_error', mute: '' }[said ?? 'mute']
    if (outcome === 'not_sent' && event.data.writtenAt !== undefined)
      broken.push(`${id}: not_sent, and yet written at a time: ${event.text}`)
    if (outcome === 'not_sent' && writes > 0) broken.push(`${id}: not_sent, but it was written: ${event.text}`)
    if (['accepted', 'rejected', 'call_error'].includes(outcome) && outcome !== truth)
      broken.push(`${id}: ${outcome}, but the charge point ${said ?? 'said nothing'}`)
  }
  for (const { chargePointId, manner } of world.stations) {
    const expected = { accepts: 'accepted', rejects: 'rejected', errors: 'call_error', mute: 'unknown' }[manner]
    for (const id of [`probe-${chargePointId}`, `probe-by-all-${chargePointId}`]) {
      const outcome = outcomes.get(id)?.[0]?.data.outcome
      if (outcome !== expected) broken.push(`${id}: ${outcome ?? 'no outcome'} instead of ${expected}`)
    }
  }
  return broken
}

function startsKeepTheirId({ network, redis, stations }: World, events: readonly TopicEvent[]): string[] {
  const broken: string[] = []
  const ids = new Map<string, string>()
  const keys = new Map<string, string>()
  const registryWasThere = !network.redisWasAway && redis.flushes === 0
  for (const { type, subject, data } of events) {
    if (type !== 'transaction.started') continue
    const { transactionId, startKey } = data
    const start = `${subject} ${startKey}`
    const other = keys.get(String(transactionId))
    if (other !== undefined && other !== start) broken.push(`transaction ${transactionId}: of ${other} and of ${start}`)
    keys.set(String(transactionId), start)
    const known = ids.get(start)
    if (known !== undefined && known !== transactionId && registryWasThere)
      broken.push(`${start}: a retried start got ${transactionId} after ${known}`)
    ids.set(start, String(transactionId))
  }
  if (stations.length === 0) broken.push('no charge points')
  return broken
}

/** Errors that a fault causes, and that say so. The second: Redis is away for longer than a block in reserve lasts. */
const toldOnly = ['the ledger did not answer', 'no transaction id could be had']

/**
 * Claimed, and nobody was told: its deadline was lost before its claim came, and its claimant died. Whoever asks for it again takes it
 * over.
 */
function isOrphan({ ordered, written, redis }: World, commandId: string, events: readonly TopicEvent[]): boolean {
  const isTold = ordered.get(commandId)?.isTaken === true || written.has(commandId)
  const hasEnded = events.some(({ type, data }) => type === 'command.outcome' && data.commandId === commandId)
  return redis.flushes > 0 && !isTold && !hasEnded && !redis.ledger.deadlineIds().includes(commandId)
}

/**
 * What no node has is open on no disk: the others would list it as connected. But for one of two nodes that gave the same epoch while the
 * registry was away: the row of the other one counts, and the end of one would stand over it.
 */
function endsAreRemembered({ nodes, stations }: World, events: readonly TopicEvent[]): string[] {
  const broken: string[] = []
  const hasTwin = (chargePointId: string, epoch: number, name: string) =>
    events.some(
      ({ type, subject, epoch: other, node }) =>
        type === 'charge_point.connected' && subject === chargePointId && other === epoch && node !== name
    )
  for (const { name, disk, gateway } of nodes) {
    for (const { chargePointId } of stations) {
      const record = disk.tables.get(`chargePoints/${chargePointId}`) as ChargePointRecord | undefined
      const [last] = record?.connections ?? []
      if (last?.node !== name || last.reason !== undefined) continue
      const isHere = gateway?.hub.find(chargePointId)?.session.epoch === last.epoch
      if (!isHere && !hasTwin(chargePointId, last.epoch, name))
        broken.push(`${chargePointId}: ${last.epoch} is open on the disk of ${name}, which does not have it`)
    }
  }
  return broken
}

/** Everybody is connected once, nothing waits, and the registry says so. */
function atRest(world: World, events: readonly TopicEvent[]): string[] {
  const broken: string[] = world.complaints.filter((line) => !toldOnly.some((known) => line.includes(known)))
  for (const station of world.stations) {
    const { chargePointId } = station
    const living = world.nodes.filter(({ gateway }) => gateway?.hub.find(chargePointId))
    if (living.length !== 1)
      broken.push(`${chargePointId}: lives on ${living.map(({ name }) => name).join(' and ') || 'no node'}`)
    const owner = world.redis.locate(chargePointId)
    if (owner?.node !== living[0]?.name) broken.push(`${chargePointId}: the registry says ${owner?.node ?? 'nobody'}`)
    if (!station.isIdle) broken.push(`${chargePointId}: has something that is not answered`)
  }
  for (const { record } of world.redis.ledger.rows()) {
    if (record.state !== 'settled' && !isOrphan(world, record.commandId, events))
      broken.push(`${record.commandId}: is ${record.state} in the ledger`)
  }
  for (const { name, disk } of world.nodes) {
    for (const [key, row] of disk.tables) {
      const state = key.startsWith('commands/') ? (row as { readonly state: string }).state : 'settled'
      if (state !== 'settled') broken.push(`${key}: is ${state} on the disk of ${name}`)
    }
  }
  return broken
}
