import { createHash, timingSafeEqual } from 'node:crypto'
import type { ApiToken } from './parts.ts'

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Finds who a bearer token belongs to, in a time that tells nothing of the tokens. */
export class TokenTable {
  readonly #entries: readonly { readonly name: string; readonly digest: Buffer }[]

  constructor(tokens: readonly (ApiToken | string)[]) {
    this.#entries = tokens.map((entry) => {
      const { name, token } = typeof entry === 'string' ? { name: undefined, token: entry } : entry
      return { name: name ?? 'api', digest: digest(token) }
    })
  }

  /** True when no token is needed. */
  get empty(): boolean {
    return this.#entries.length === 0
  }

  /** The name of the token in an `Authorization` header; undefined when it is none of ours. [RFC 6750 2.1] */
  nameOf(authorization: string | undefined): string | undefined {
    const [, token] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? []
    if (token === undefined) return undefined
    const given = digest(token)
    let found: string | undefined
    // Every entry is compared, found or not.
    for (const entry of this.#entries) if (timingSafeEqual(entry.digest, given)) found = entry.name
    return found
  }
}
