import { createHash } from 'node:crypto'

/** What Redis Cluster hashes keys into. [Redis Cluster specification, key distribution model] */
export const slotCount = 16_384
/** Index keys of deadlines: a few, so that one slot does not carry all commands. */
export const deadlineShards = 8

/** Inside a hash tag a brace would end it early; a percent sign has to stay tellable from an escape. */
function tag(id: string): string {
  return `{${id.replace(/[%{}]/g, (found) => `%${found.charCodeAt(0).toString(16)}`)}}`
}

/** Every key that the gateway uses; docs/adr/0004-redis-keys.md is the same table in words. */
export interface Keys {
  owner(chargePointId: string): string
  chargePoint(chargePointId: string): string
  transactions(chargePointId: string): string
  endedTransactions(chargePointId: string): string
  start(chargePointId: string, startKey: string): string
  command(chargePointId: string, commandId: string): string
  recentCommands(chargePointId: string): string
  commandIndex(commandId: string): string
  deadlines(shard: number): string
  deadlinesOf(commandId: string): string
  lease(node: string): string
  openEpochs(node: string): string
  openEpochRows(node: string): string
  marker(slotTag: string): string
  roll(slotTag: string): string
  channel(node: string): string
  readonly nodes: string
  readonly chargePointIndex: string
  readonly openTransactionIndex: string
  readonly transactionIds: string
}

export function keysWith(prefix: string): Keys {
  const chargePoint = (id: string, part: string) => `${prefix}cp:${tag(id)}:${part}`
  const node = (id: string, part: string) => `${prefix}node:${tag(id)}${part}`
  const deadlines = (shard: number) => `${prefix}deadlines:{d${shard}}`
  return {
    owner: (id) => chargePoint(id, 'owner'),
    chargePoint: (id) => chargePoint(id, 'record'),
    transactions: (id) => chargePoint(id, 'transactions'),
    endedTransactions: (id) => chargePoint(id, 'ended'),
    start: (id, startKey) => chargePoint(id, `start:${startKey}`),
    command: (id, commandId) => chargePoint(id, `command:${commandId}`),
    recentCommands: (id) => chargePoint(id, 'commands'),
    commandIndex: (commandId) => `${prefix}command:${tag(commandId)}`,
    deadlines,
    deadlinesOf: (commandId) => deadlines((createHash('sha1').update(commandId).digest()[0] ?? 0) % deadlineShards),
    lease: (id) => node(id, ''),
    openEpochs: (id) => node(id, ':epochs'),
    openEpochRows: (id) => node(id, ':epoch-rows'),
    marker: (slotTag) => `${prefix}marker:{${slotTag}}`,
    roll: (slotTag) => `${prefix}roll:{${slotTag}}`,
    channel: (id) => `${prefix}control:${tag(id)}`,
    nodes: `${prefix}nodes`,
    chargePointIndex: `${prefix}index:charge-points`,
    openTransactionIndex: `${prefix}index:open-transactions`,
    transactionIds: `${prefix}transaction-ids`
  }
}

/** The slot of a key: CRC16 (XMODEM) of its hash tag, when it has one, or of the whole. */
export function slotOf(key: string): number {
  const open = key.indexOf('{')
  const close = open < 0 ? -1 : key.indexOf('}', open + 1)
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key
  let crc = 0
  for (const byte of Buffer.from(hashed)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff
  }
  return crc % slotCount
}

let tagsBySlot: readonly string[] | undefined

/** A short hash tag that lands in this slot. The table is made once, when a cluster is first asked for. */
export function tagInSlot(slot: number): string {
  tagsBySlot ??= makeTags()
  return tagsBySlot[slot] ?? ''
}

function makeTags(): string[] {
  const found = new Array<string>(slotCount)
  let missing = slotCount
  for (let n = 0; missing > 0; n++) {
    const candidate = n.toString(36)
    const slot = slotOf(candidate)
    if (found[slot] !== undefined) continue
    found[slot] = candidate
    missing--
  }
  return found
}
