import { GatewayError } from '../../lib/gateway-error.ts'

/** True for what a shared registry says when it cannot be reached in time: the node goes on by itself. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof GatewayError && error.canRetry
}
