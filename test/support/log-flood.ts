/**
 * A process that logs far more than anybody reads, for test/app/logger.test.ts: `node log-flood.ts LINES`. It tells over
 * IPC when it has logged all, with the turns that its event loop made meanwhile; then it does as it is told.
 */
import { createLogger } from '../../src/app/logger.ts'

const lines = Number(process.argv[2])
const linesPerTurn = 1_000
let dropped = 0
const logger = createLogger({
  level: 'info',
  format: 'json',
  output: 'stdout',
  async: true,
  onDropped: (n) => {
    dropped += n
  }
})

function tell(kind: string, facts: Record<string, number> = {}): void {
  process.send?.({ kind, dropped, rssBytes: process.memoryUsage().rss, ...facts })
}

let logged = 0
let turns = 0
function turn(): void {
  turns += 1
  for (let i = 0; i < linesPerTurn && logged < lines; i += 1) {
    logged += 1
    logger.info({ n: logged, chargePointId: 'CP-000001', epoch: 217_591_200 }, 'one of many lines')
  }
  if (logged < lines) setImmediate(turn)
  else tell('logged', { turns })
}

process.on('message', (order: 'close' | 'exit') => {
  if (order === 'exit') process.exit(0)
  void logger.close().then(() => {
    tell('closed')
    process.disconnect?.()
  })
})
turn()
