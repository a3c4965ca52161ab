import { openDataDir } from '../adapters/embedded/data-dir.ts'
import { GatewayError } from '../lib/gateway-error.ts'

/** Why the gateway could not use this existing `data_dir` (in use, another format, not writable); undefined: it could. */
export function inspectDataDir(path: string): GatewayError | undefined {
  try {
    openDataDir(path).unlock()
    return undefined
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
}
