import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'

/** `silent`: nothing passes and nobody is told, as with a dead cable; it all goes on afterwards. `refused`: connections are reset. */
export type CutKind = 'silent' | 'refused'

interface Pair {
  readonly near: Socket
  readonly far: Socket
  /** Ends that came while the proxy was silent. */
  readonly owed: (() => void)[]
}

/** A TCP proxy between two parts of the cluster, which the test cuts and mends. */
export class TcpProxy {
  readonly #server: Server
  readonly #target: () => number
  readonly #pairs = new Set<Pair>()
  #waiting: Socket[] = []
  #cut: CutKind | undefined

  private constructor(target: () => number) {
    this.#target = target
    this.#server = createServer((near) => this.#accept(near))
  }

  /** `target`: asked at each connection, because what is restarted comes back on another port. */
  static async open(target: () => number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  cut(kind: CutKind): void {
    this.#cut = kind
    for (const { near, far } of this.#pairs) {
      if (kind === 'refused') {
        near.resetAndDestroy()
        far.resetAndDestroy()
      } else {
        near.pause()
        far.pause()
      }
    }
    if (kind === 'refused') this.#pairs.clear()
  }

  mend(): void {
    this.#cut = undefined
    for (const { near, far, owed } of this.#pairs) {
      near.resume()
      far.resume()
      for (const end of owed.splice(0)) end()
    }
    for (const near of this.#waiting.splice(0)) this.#connect(near)
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const { near, far } of this.#pairs) {
      near.destroy()
      far.destroy()
    }
    for (const near of this.#waiting) near.destroy()
    await once(this.#server, 'close')
  }

  #accept(near: Socket): void {
    // What ends a connection is told to its other side; the error itself is of no interest.
    near.on('error', () => near.destroy())
    if (this.#cut === 'refused') near.resetAndDestroy()
    else if (this.#cut === 'silent') this.#waiting.push(near.pause())
    else this.#connect(near)
  }

  #connect(near: Socket): void {
    if (near.destroyed) return
    const far = new Socket()
    far.on('error', () => far.destroy())
    const pair: Pair = { near, far, owed: [] }
    this.#pairs.add(pair)
    far.connect(this.#target(), '127.0.0.1')
    for (const socket of [near, far]) socket.setNoDelay(true)
    this.#pass(pair, near, far)
    this.#pass(pair, far, near)
  }

  #pass(pair: Pair, from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      if (to.write(chunk)) return
      from.pause()
      to.once('drain', () => {
        if (this.#cut !== 'silent') from.resume()
      })
    })
    from.on('close', (hadError) => {
      const end = () => {
        this.#pairs.delete(pair)
        if (hadError) to.resetAndDestroy()
        else to.destroySoon()
      }
      if (this.#cut === 'silent') pair.owed.push(end)
      else end()
    })
  }
}
