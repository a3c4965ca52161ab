import type { Io } from '../../src/cli/io.ts'

export interface FakeIo extends Io {
  readonly said: { out: string; err: string }
  /** What the user does with Ctrl-C. */
  stop(): void
}

export function fakeIo(options: { env?: Record<string, string>; terminal?: boolean; colours?: boolean } = {}): FakeIo {
  const controller = new AbortController()
  const said = { out: '', err: '' }
  return {
    said,
    env: options.env ?? {},
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
    terminal: options.terminal ?? false,
    columns: 100,
    colours: options.colours ?? false,
    signal: controller.signal,
    stop: () => controller.abort()
  }
}
