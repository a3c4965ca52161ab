const pollMs = 5

/** Waits for what a real server does by its own clock. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, deadlineMs = 10_000): Promise<void> {
  const endMs = performance.now() + deadlineMs
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`it did not come about in ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => {
      setTimeout(resolve, pollMs)
    })
  }
}
