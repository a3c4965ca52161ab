import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Embedded, type EmbeddedOptions, openEmbedded } from '../../src/adapters/embedded/open-embedded.ts'
import { FakeClock } from './fake-clock.ts'
import { noMetrics } from './no-metrics.ts'

export interface OpenedEmbedded extends Embedded {
  readonly clock: FakeClock
  readonly dataDir: string
  /** Close it and open it again on the same data, at the same time of the clock. */
  reopen(changed?: Partial<EmbeddedOptions>): Promise<OpenedEmbedded>
  /** Close it and remove its data. */
  dispose(): Promise<void>
}

export function temporaryDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'cpg-embedded-'))
}

/** An embedded store in a folder of its own, on a clock that stands. */
export async function openTemporaryEmbedded(
  options: Partial<EmbeddedOptions> = {},
  clock: FakeClock = new FakeClock()
): Promise<OpenedEmbedded> {
  const dataDir = options.dataDir ?? temporaryDataDir()
  const full: EmbeddedOptions = {
    nodeId: 'node-a',
    metrics: noMetrics,
    sync: true,
    retentionMs: 3_600_000,
    bytesMax: 64 * 1024 * 1024,
    requiredConsumers: [],
    lingerMsMax: 0,
    ...options,
    clock,
    dataDir
  }
  const embedded = await openEmbedded(full)
  return {
    ...embedded,
    clock,
    dataDir,
    reopen: async (changed = {}) => {
      await embedded.close()
      return openTemporaryEmbedded({ ...full, ...changed }, clock)
    },
    dispose: async () => {
      await embedded.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  }
}
