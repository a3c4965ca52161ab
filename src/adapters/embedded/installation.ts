import { join, resolve } from 'node:path'
import { readHead } from './log-extent.ts'
import { openStoreToRead } from './store.ts'

/**
 * The id of the installation whose `data_dir` this is, also while a gateway uses it; undefined before its first start. Nothing is
 * written but a reader's mark in LMDB's own lock file. Throws when the store cannot be read.
 */
export async function readInstallation(dataDir: string): Promise<string | undefined> {
  const store = openStoreToRead(join(resolve(dataDir), 'store'))
  try {
    return store?.log && readHead(store.log)?.id
  } finally {
    await store?.close()
  }
}
