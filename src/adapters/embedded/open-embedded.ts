import type { Clock } from '../../ports/clock.ts'
import type { Directory } from '../../ports/directory.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { Ledger } from '../../ports/ledger.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { NodeStore } from '../../ports/node-store.ts'
import type { SessionRegistry } from '../../ports/session-registry.ts'
import { explainDisk, isNoSpace, openDataDir, syncFolders } from './data-dir.ts'
import { EmbeddedDirectory } from './directory.ts'
import { EmbeddedEventLog } from './event-log.ts'
import { EmbeddedLedger } from './ledger.ts'
import { createReserve, type Reserve } from './reserve.ts'
import { EmbeddedSessionRegistry } from './session-registry.ts'
import { openStore, putRows } from './store.ts'
import { type BlockSource, TransactionIds } from './transaction-ids.ts'

export interface EmbeddedOptions {
  readonly dataDir: string
  readonly nodeId: string
  readonly clock: Clock
  readonly metrics: Metrics
  /** `event_log.sync`: wait for the disk. Off, a power cut may lose the newest events; a crash of the process does not. */
  readonly sync: boolean
  readonly retentionMs: number
  readonly bytesMax: number
  readonly requiredConsumers: readonly string[]
  /** The longest that a commit waits for company at middling load; 0 never waits. */
  readonly lingerMsMax: number
  /** Where blocks of 1.6 transaction ids come from that are unique in a cluster; absent: from this node's own counter. */
  readonly transactionIdBlocks?: BlockSource
}

export interface Embedded {
  readonly log: EventLog
  readonly store: NodeStore
  readonly directory: Directory
  readonly ledger: Ledger
  readonly registry: SessionRegistry
  readonly transactionIds: Pick<TransactionIds, 'end' | 'fill' | 'heard'>
  /** Commits what waits, closes the store and gives `data_dir` free. */
  close(): Promise<void>
}

const forgetIntervalMs = 10_000
/** Beside the log: the tables, and pages that wait for their last reader. */
const mapBytesSpare = 1024 ** 3

/** Everything that a node alone needs, in one LMDB environment under `dataDir`. */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { clock } = options
  const dataDir = openDataDir(options.dataDir)
  const opened: { close(): Promise<void> }[] = []
  try {
    const reserve = createReserve(dataDir.reservePath)
    reserve.keep()
    const store = openStore({
      path: dataDir.storePath,
      mapBytes: 2 * options.bytesMax + mapBytesSpare,
      sync: options.sync
    })
    opened.push(store)
    const log = new EmbeddedEventLog({ ...options, store, reserve })
    opened.push(log)
    const transactionIds = new TransactionIds(
      store,
      clock,
      (rows) => log.commitControl(rows),
      options.transactionIdBlocks
    )
    const registry = new EmbeddedSessionRegistry(options.nodeId, log.tables, clock)
    const ledger = new EmbeddedLedger(store, log.tables, (chargePointId) => registry.currentEpoch(chargePointId))
    await begin(reserve, [
      () => log.begin(),
      // A cluster's blocks come when they are asked for: the start waits for nobody else.
      ...(options.transactionIdBlocks
        ? []
        : [() => transactionIds.reserve((rows) => store.commit(() => putRows(store, rows)))])
    ])
    syncFolders(dataDir)
    const stopForgetting = forgetRegularly(ledger, clock)
    return {
      log,
      store: log.tables,
      directory: new EmbeddedDirectory(store, log.tables, transactionIds),
      ledger,
      registry,
      transactionIds,
      close: async () => {
        stopForgetting()
        await log.close()
        await store.close()
        dataDir.unlock()
      }
    }
  } catch (error) {
    for (const part of opened.reverse()) await part.close()
    dataDir.unlock()
    throw explainDisk(error, dataDir.path)
  }
}

/**
 * The first commits are made directly, so that a start on a full disk is refused instead of waiting for ever, unless
 * the reserve lets it start and trim.
 */
async function begin(reserve: Reserve, steps: readonly (() => Promise<void>)[]): Promise<void> {
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      if (isNoSpace(error)) reserve.release()
      await step()
    }
  }
}

/** Settled commands go when their time has come, a step at a time. */
function forgetRegularly(ledger: EmbeddedLedger, clock: Clock): () => void {
  let stopped = false
  let cancel = clock.after(forgetIntervalMs, step)
  function step(): void {
    ledger.forget(clock.now()).then(
      (done) => {
        if (!stopped) cancel = clock.after(done ? forgetIntervalMs : 0, step)
      },
      (error: unknown) => {
        // Only a log that is being closed refuses a commit; the next start goes on with it.
        if (!stopped) throw error
      }
    )
  }
  return () => {
    stopped = true
    cancel()
  }
}
