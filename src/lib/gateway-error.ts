/** The one error class of the project outside the message path, where faults are values. */
export class GatewayError extends Error {
  /** A stable name in lower snake case, for programs. */
  readonly code: string
  /** True when the same call may succeed later without a change. */
  readonly canRetry: boolean

  constructor(code: string, message: string, options: { readonly canRetry?: boolean; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'GatewayError'
    this.code = code
    this.canRetry = options.canRetry ?? false
  }
}
