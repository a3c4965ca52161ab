/**
 * Appends for ever and tells what it was promised, one line each, before it asks for more:
 * `event POSITION N`, `id TRANSACTION-ID`, `claimed COMMAND-ID`; and `failing CODE` and `working` when the log's state
 * changes. Killed by its parent.
 * `node event-log-writer.ts DATA_DIR sync|nosync`
 */
import { writeSync } from 'node:fs'
import { openEmbedded } from '../../src/adapters/embedded/open-embedded.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { keyOf } from '../../src/ports/records.ts'
import { noMetrics } from './no-metrics.ts'

const [dataDir = '', sync = 'sync'] = process.argv.slice(2)
const clock = createSystemClock()
const { log, ledger, directory } = await openEmbedded({
  dataDir,
  nodeId: 'node-a',
  clock,
  metrics: noMetrics,
  sync: sync === 'sync',
  retentionMs: 3_600_000,
  bytesMax: 4 * 1024 * 1024,
  requiredConsumers: [],
  lingerMsMax: 4
})
const tell = (line: string): void => {
  writeSync(1, `${line}\n`)
}
let last = log.range().durable
let failing = false
setInterval(() => {
  const { failing: now } = log.state()
  if (failing === (now !== undefined)) return
  failing = !failing
  tell(now ? `failing ${now.error}` : 'working')
}, 5)

async function write(writer: number): Promise<void> {
  for (;;) {
    const n = ++last
    const chargePointId = `CP-${n % 50}`
    const position = await log.append([
      {
        chargePointId,
        type: 'meter.values',
        text: JSON.stringify({ n, padding: 'x'.repeat(Math.floor(Math.random() ** 4 * 9_000)) }),
        changes: [
          {
            table: 'openEpochs',
            key: keyOf.openEpoch(chargePointId, 1),
            value: { chargePointId, epoch: 1, version: '2.1', connectedAtMs: n }
          }
        ]
      }
    ])
    tell(`event ${position} ${n}`)
    if (n % 17 === 0) tell(`id ${await directory.nextTransactionId()}`)
    if (n % 29 === 0) {
      const commandId = `c-${dataDir}-${n}-${writer}`
      const nowMs = clock.now()
      await ledger.claim({
        commandId,
        chargePointId,
        type: 'ocpp.call',
        data: {},
        digest: 'd',
        priority: 'normal',
        timeoutMs: 30_000,
        expiresAtMs: nowMs + 60_000,
        requestedBy: 'test',
        requestedAtMs: nowMs,
        state: 'claimed',
        node: 'node-a',
        forgetAtMs: nowMs + 3_600_000
      })
      tell(`claimed ${commandId}`)
    }
    if (Math.random() < 0.2) await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
  }
}

await Promise.all(Array.from({ length: 20 }, (_, writer) => write(writer)))
