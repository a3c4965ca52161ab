/** Lines that go to the log worker in one message. */
export interface LogBatch {
  readonly text: string
  readonly lines: number
}

export interface LogWorkerData {
  readonly fd: number
  /** Shared memory; int32 that wrap around, so only differences are used. */
  readonly cells: Int32Array
}

/** What stands in which cell of the shared memory. */
export const logCell = { doneChars: 0, doneLines: 1, lostLines: 2 } as const
export const logCells = 3
