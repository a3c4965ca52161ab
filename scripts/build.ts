/**
 * Compiles the publishable package into `dist/`: JavaScript with declarations, the files that are no TypeScript beside
 * them, and the command line executable.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, readFileSync, rmSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const executable = `${root}dist/cli/main.js`

rmSync(`${root}dist`, { recursive: true, force: true })
const { status } = spawnSync(
  process.execPath,
  [`${root}node_modules/typescript/bin/tsc`, '-p', 'tsconfig.build.json'],
  {
    cwd: root,
    stdio: 'inherit'
  }
)
if (status !== 0) process.exit(status ?? 1)

cpSync(`${root}src`, `${root}dist`, {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || !path.endsWith('.ts')
})

if (!readFileSync(executable, 'utf8').startsWith('#!/usr/bin/env node\n')) {
  console.error('dist/cli/main.js does not begin with #!/usr/bin/env node: src/cli/main.ts has to')
  process.exit(1)
}
chmodSync(executable, 0o755)
