import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type LoadRequest =
  | { readonly kind: 'open'; readonly url: string; readonly connections: number; readonly prefix: string }
  /** Without `perSecond`: a closed loop, every socket sends its next message as soon as the last one is answered. */
  | { readonly kind: 'talk'; readonly durationMs: number; readonly perSecond?: number }

export interface LoadReport {
  readonly connections: number
  readonly answered: number
  readonly tookMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** A process of charge points. */
export interface LoadProcess {
  ask(request: LoadRequest): Promise<LoadReport>
  stop(): Promise<void>
}

export function startLoad(): LoadProcess {
  const child: ChildProcess = fork(fileURLToPath(new URL('load-client.ts', import.meta.url)))
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        const ended = (code: number | null) => reject(new Error(`the load process ended with ${code}`))
        child.once('exit', ended)
        child.once('message', (report) => {
          child.off('exit', ended)
          resolve(report as LoadReport)
        })
        child.send(request)
      }),
    async stop() {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await exited
    }
  }
}
