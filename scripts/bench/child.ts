import { type ChildProcess, fork } from 'node:child_process'

/** A process that does one job at a time and reports; it ends with this process. */
export interface Child<Request, Report> {
  ask(request: Request): Promise<Report>
  stop(): Promise<void>
}

export function startChild<Request extends object, Report>(file: string): Child<Request, Report> {
  const child: ChildProcess = fork(file)
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        const ended = (code: number | null) => reject(new Error(`${file} ended with ${code}`))
        child.once('exit', ended)
        child.once('message', (report) => {
          child.off('exit', ended)
          resolve(report as Report)
        })
        child.send(request)
      }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await exited
    }
  }
}

/** In the process itself: works off what it is asked for. */
export function serveParent<Request, Report>(work: (request: Request) => Promise<Report>): void {
  // The bench ended, in whichever way.
  process.once('disconnect', () => process.exit())
  process.on('message', (request: Request) => {
    work(request).then(
      (report) => process.send?.(report),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      }
    )
  })
}
