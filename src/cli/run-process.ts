import type { Io } from './io.ts'
import { run } from './run.ts'

/** Run the command that this process was started with, and end the process with its exit code. */
export async function runProcess(): Promise<void> {
  const { stdout, stderr, env, argv } = process
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      // The first asks for a stop that loses nothing; who asks again wants the end.
      if (stop.signal.aborted) process.exit(130)
      stop.abort(name)
    })
  }
  // `events --follow | head` closes the pipe: that is the reader's way to say enough.
  stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const terminal = stdout.isTTY === true
  const io: Io = {
    env,
    out: (text) => {
      stdout.write(text)
    },
    err: (text) => {
      stderr.write(text)
    },
    terminal,
    columns: stdout.columns || 80,
    colours: terminal && !env.NO_COLOR && env.TERM !== 'dumb',
    signal: stop.signal
  }
  const code = await run(argv.slice(2), io)
  await new Promise((flushed) => stdout.write('', flushed))
  process.exit(code)
}
