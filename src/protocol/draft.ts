/** A payload that is being corrected: the original is never touched, the copy is made at the first change. */
export class Draft {
  readonly #original: unknown
  #copy: { payload: unknown } | undefined
  readonly #dropped: Set<unknown[]>
  readonly #filled: Set<string>

  constructor(original: unknown) {
    this.#original = original
    this.#copy = undefined
    this.#dropped = new Set()
    this.#filled = new Set()
  }

  get isChanged(): boolean {
    return this.#copy !== undefined
  }

  get payload(): unknown {
    return this.#copy ? this.#copy.payload : this.#original
  }

  /** The value at a JSON pointer; undefined where there is none. */
  read(path: string): unknown {
    return keysOf(path).reduce<unknown>((node, key) => childOf(node, key), { payload: this.payload })
  }

  /** Put what `edit` makes of the copy's value in its place. */
  replace(path: string, edit: (value: unknown) => unknown): void {
    const { parent, key } = this.#place(path)
    if (isContainer(parent) && Object.hasOwn(parent, key)) parent[key] = edit(parent[key])
  }

  /** Add a member that is missing. */
  fill(path: string, value: unknown): void {
    const { parent, key } = this.#place(path)
    if (!isContainer(parent)) return
    parent[key] = value
    this.#filled.add(path)
  }

  isFilled(path: string): boolean {
    return this.#filled.has(path)
  }

  /** Leave a member or an element out. Elements go at `settle`, so that indexes hold until then. */
  drop(path: string): void {
    const { parent, key } = this.#place(path)
    if (!isContainer(parent) || !Object.hasOwn(parent, key)) return
    delete parent[key]
    if (Array.isArray(parent)) this.#dropped.add(parent)
  }

  settle(): void {
    for (const array of this.#dropped) {
      let kept = 0
      // `forEach` passes over what was deleted.
      array.forEach((element) => {
        array[kept] = element
        kept += 1
      })
      array.length = kept
    }
    this.#dropped.clear()
  }

  #place(path: string): { readonly parent: unknown; readonly key: string } {
    // A payload comes from JSON, so JSON copies it whole, members named `__proto__` included.
    this.#copy ??= { payload: JSON.parse(JSON.stringify(this.#original)) }
    const keys = keysOf(path)
    const key = keys.pop() ?? 'payload'
    return { parent: keys.reduce<unknown>((node, step) => childOf(node, step), this.#copy), key }
  }
}

function keysOf(path: string): string[] {
  return ['payload', ...path.split('/').slice(1)]
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function childOf(node: unknown, key: string): unknown {
  return isContainer(node) && Object.hasOwn(node, key) ? node[key] : undefined
}
