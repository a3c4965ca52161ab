/** The thread that writes log lines. It alone waits when the output stalls. Started by `log-channel.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import { type LogBatch, type LogWorkerData, logCell } from './log-channel-protocol.ts'
import { writeWhole } from './log-output.ts'

const { fd, cells } = workerData as LogWorkerData

parentPort?.on('message', (batch: LogBatch | 'close') => {
  if (batch === 'close') {
    parentPort?.close()
    return
  }
  if (!writeWhole(fd, batch.text, true)) Atomics.add(cells, logCell.lostLines, batch.lines)
  Atomics.add(cells, logCell.doneLines, batch.lines)
  Atomics.add(cells, logCell.doneChars, batch.text.length)
  Atomics.notify(cells, logCell.doneChars)
})
