// SHA-256 in plain TypeScript: the session is pure, so it may not ask Node. It runs once per StartTransaction; a content
// key stands for money, so nothing weaker will do. [FIPS 180-4]

const roundConstants = primeRoots(64, 1 / 3)
const initialState = primeRoots(8, 1 / 2)

/** The first 32 bits of the fractional parts of a root of the first primes. */
function primeRoots(count: number, exponent: number): Uint32Array {
  const roots: number[] = []
  for (let candidate = 2; roots.length < count; candidate += 1) {
    let isPrime = true
    for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) isPrime &&= candidate % divisor !== 0
    if (isPrime) roots.push((candidate ** exponent % 1) * 2 ** 32)
  }
  return Uint32Array.from(roots)
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits))
}

/** The message with its padding: a one bit, zeros, the length in bits. */
function pad(message: Uint8Array): DataView {
  const blocks = Math.ceil((message.length + 9) / 64)
  const padded = new Uint8Array(blocks * 64)
  padded.set(message)
  padded[message.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n)
  return view
}

function schedule(view: DataView, offset: number): Uint32Array {
  const words = new Uint32Array(64)
  for (let i = 0; i < 16; i += 1) words[i] = view.getUint32(offset + i * 4)
  for (let i = 16; i < 64; i += 1) {
    const w15 = at(words, i - 15)
    const w2 = at(words, i - 2)
    const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3)
    const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10)
    words[i] = at(words, i - 16) + s0 + at(words, i - 7) + s1
  }
  return words
}

function at(words: Uint32Array, index: number): number {
  return words[index] ?? 0
}

function compress(state: Uint32Array, words: Uint32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let i = 0; i < 64; i += 1) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const choice = (e & f) ^ (~e & g)
    const t1 = (h + s1 + choice + at(roundConstants, i) + at(words, i)) | 0
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const majority = (a & b) ^ (a & c) ^ (b & c)
    const t2 = (s0 + majority) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  const change = [a, b, c, d, e, f, g, h]
  for (let i = 0; i < 8; i += 1) state[i] = at(state, i) + (change[i] ?? 0)
}

/** 128 bits of the SHA-256 of a text's UTF-8, as 32 hex digits. */
export function digestOf(text: string): string {
  const view = pad(new TextEncoder().encode(text))
  const state = initialState.slice()
  for (let offset = 0; offset < view.byteLength; offset += 64) compress(state, schedule(view, offset))
  return Array.from(state.subarray(0, 4), (word) => word.toString(16).padStart(8, '0')).join('')
}
