import { constants, deflateRaw, inflateRaw } from 'node:zlib'
import { deflateWindowBits } from './deflate-offer.ts'

type Done = (error: Error | null, result: Buffer) => void

/** The end of every deflated message, which is not sent. [RFC 7692 7.2.1] */
const trailer = Buffer.from([0x00, 0x00, 0xff, 0xff])
const chunkBytes = 4096
/** Compressing and inflating run on the threads that also sync the event log, so they may take two of the four. */
const concurrencyMax = 2

const nothing = Buffer.alloc(0)

/**
 * Compression for all connections of a server. Without context takeover a connection has nothing to keep between two
 * messages, so none has a compressor of its own: a pair of them would cost it 130 KiB for as long as it lives.
 */
export class Deflate {
  readonly #payloadBytesMax: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(payloadBytesMax: number) {
    this.#payloadBytesMax = payloadBytesMax
  }

  /** One whole message, without its trailer. */
  compress(data: Buffer | string, done: Done): void {
    const options = {
      level: 3,
      memLevel: 5,
      windowBits: deflateWindowBits,
      chunkSize: chunkBytes,
      finishFlush: constants.Z_SYNC_FLUSH
    }
    this.#run((release) =>
      deflateRaw(data, options, (error, result) => {
        release()
        done(error, error ? nothing : result.subarray(0, -trailer.length))
      })
    )
  }

  /** One whole message. An `ERR_BUFFER_TOO_LARGE` says that it is larger than a payload may be. */
  inflate(parts: readonly Buffer[], done: Done): void {
    const options = {
      chunkSize: chunkBytes,
      maxOutputLength: this.#payloadBytesMax,
      finishFlush: constants.Z_SYNC_FLUSH
    }
    this.#run((release) =>
      inflateRaw(Buffer.concat([...parts, trailer]), options, (error, result) => {
        release()
        done(error, error ? nothing : result)
      })
    )
  }

  #run(job: (release: () => void) => void): void {
    if (this.#running >= concurrencyMax) {
      this.#waiting.push(() => this.#run(job))
      return
    }
    this.#running++
    job(() => {
      this.#running--
      this.#waiting.shift()?.()
    })
  }
}
