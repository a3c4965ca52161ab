import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A Lua script: one atomic step in Redis. */
export interface Script {
  readonly name: string
  readonly source: string
  readonly sha: string
}

function load(name: string): Script {
  const source = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8')
  return { name, source, sha: createHash('sha1').update(source).digest('hex') }
}

/** Each says at its head what it takes and what it returns. */
export const scripts = {
  claim: load('claim'),
  adopt: load('adopt'),
  release: load('release'),
  leaseTake: load('lease-take'),
  leaseRenew: load('lease-renew'),
  leaseEnd: load('lease-end'),
  marker: load('marker'),
  rollRead: load('roll-read'),
  rollSign: load('roll-sign'),
  commandIndex: load('command-index'),
  commandClaim: load('command-claim'),
  commandWritten: load('command-written'),
  commandSettle: load('command-settle'),
  commandHandOver: load('command-hand-over'),
  commandReclaim: load('command-reclaim'),
  commandReceived: load('command-received'),
  commandConfirm: load('command-confirm'),
  commandPublished: load('command-published'),
  deadlinesTake: load('deadlines-take'),
  projectChargePoint: load('project-charge-point'),
  projectTransaction: load('project-transaction'),
  removeTransaction: load('remove-transaction'),
  reserveIds: load('reserve-ids'),
  reserveStart: load('reserve-start'),
  lostEpochsTake: load('lost-epochs-take'),
  openEpochPut: load('open-epoch-put'),
  epochLost: load('epoch-lost')
} as const
