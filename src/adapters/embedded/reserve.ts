import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { isNoSpace } from './data-dir.ts'

/** Enough for the pages that a trimming transaction writes before the pages that it frees can be used. */
const reserveBytes = 1024 * 1024

/** Disk space kept back, to be given up when the disk is full, so that trimming and consumers go on. */
export interface Reserve {
  keep(): void
  release(): void
}

export function createReserve(path: string): Reserve {
  return {
    keep() {
      if (existsSync(path)) return
      try {
        // Zeros would be stored as a hole by some file systems.
        writeFileSync(path, Buffer.alloc(reserveBytes, 0x5a), { mode: 0o640 })
      } catch (error) {
        rmSync(path, { force: true })
        if (!isNoSpace(error)) throw error
      }
    },
    release() {
      rmSync(path, { force: true })
    }
  }
}
