import { spawn } from 'node:child_process'

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly timeoutMs?: number
}

/** Runs a command and gives what it printed on stdout. Rejects with the end of all that it printed when it fails. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { env = {}, cwd, timeoutMs = 60_000 }: CommandOptions = {}
): Promise<string> {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    ...(cwd === undefined ? {} : { cwd })
  })
  const stdout: Buffer[] = []
  const all: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => {
    stdout.push(part)
    all.push(part)
  })
  child.stderr.on('data', (part: Buffer) => all.push(part))
  const ended = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(signal ?? String(code)))
  })
  if (ended === '0') return Buffer.concat(stdout).toString()
  const told = Buffer.concat(all).toString().trim().slice(-2000)
  throw new Error(`\`${[command, ...args].join(' ').slice(0, 300)}\` ended with ${ended}: ${told}`)
}

/** Whether a command runs and ends with 0. */
export async function succeeds(command: string, args: readonly string[], timeoutMs = 10_000): Promise<boolean> {
  try {
    await runCommand(command, args, { timeoutMs })
    return true
  } catch {
    // That it fails is the answer.
    return false
  }
}
