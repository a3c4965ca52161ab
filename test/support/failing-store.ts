import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openStore, type Store } from '../../src/adapters/embedded/store.ts'
import { temporaryDataDir } from './embedded.ts'

export type Operation = 'put event' | 'remove event' | 'put head' | 'put row' | 'remove row'

export interface FailingDisk {
  readonly store: Store
  /** The operations of each transaction that was tried, whether it failed or not. */
  readonly tried: (readonly Operation[])[]
  /** Says which transactions fail, and with what. */
  /** Each commit waits for this before anything is written. */
  waits: Promise<void>
  fails: (operations: readonly Operation[]) => Error | undefined
  /** Each commit waits for this after everything was written. */
  returns: Promise<void>
}

/** A real store on a disk that fails when told to. */
export function openFailingStore(): FailingDisk {
  const folder = temporaryDataDir()
  const real = openStore({ path: join(folder, 'store'), mapBytes: 1024 ** 3, sync: false })
  let recording: Operation[] | undefined
  const record = <T extends object>(target: T, put: (key: unknown) => Operation, remove: Operation): T =>
    new Proxy(target, {
      get: (_, name) => {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        return (...args: unknown[]) => {
          if (recording && name === 'put') return void recording.push(put(args[0]))
          if (recording && name === 'remove') return void recording.push(remove)
          return method.apply(target, args)
        }
      }
    })
  const disk: FailingDisk = {
    tried: [],
    waits: Promise.resolve(),
    returns: Promise.resolve(),
    fails: () => undefined,
    store: {
      log: record(real.log, (key) => (key === 0 ? 'put head' : 'put event'), 'remove event'),
      state: record(real.state, () => 'put row', 'remove row'),
      commit: async (write) => {
        const operations: Operation[] = []
        recording = operations
        write()
        recording = undefined
        disk.tried.push(operations)
        await disk.waits
        const error = disk.fails(operations)
        if (error) throw error
        await real.commit(write)
        await disk.returns
      },
      close: async () => {
        await real.close()
        rmSync(folder, { recursive: true, force: true })
      }
    }
  }
  return disk
}
