import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';

/** How a body travels. LEAN's `download` asks for nothing and unpacks nothing, so nothing is packed unasked (C-34). */
export type Encoding = 'identity' | 'zstd' | 'br' | 'gzip';

/** Below so many bytes packing saves nothing worth its time. */
const WORTH_PACKING_BYTES = 512;

/** In the order in which we prefer what is asked for alike: the time to pack 28 kB of signals, and their size. */
const PACKED = ['zstd', 'gzip', 'br'] as const;

const PACK: Readonly<Record<(typeof PACKED)[number], (bytes: Uint8Array) => Buffer>> = {
  zstd: (bytes) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
  gzip: (bytes) => gzipSync(bytes, { level: 1 }),
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
};

/** A body that is ready to be sent: each encoding is made once, when it is first asked for. */
export interface Body {
  readonly bytes: Buffer;
  as(encoding: Encoding): Buffer;
  /** What of the accepted encodings this body is sent in, this time. */
  chosen(accept_encoding: string | undefined): Encoding;
}

/** `is_packed` false: the first time it is sent as it is, whatever is asked for. */
export function body(bytes: Buffer, is_packed = true): Body {
  const made = new Map<Encoding, Buffer>([['identity', bytes]]);
  let isWorth = is_packed && bytes.length >= WORTH_PACKING_BYTES;
  return {
    bytes,
    as(encoding) {
      const before = made.get(encoding);
      if (before !== undefined || encoding === 'identity') return before ?? bytes;
      const packed = PACK[encoding](bytes);
      made.set(encoding, packed);
      return packed;
    },
    chosen(accepted) {
      const encoding = isWorth ? accepts(accepted) : 'identity';
      isWorth = bytes.length >= WORTH_PACKING_BYTES;
      return encoding;
    },
  };
}

const MOST_REMEMBERED = 200;
const choices = new Map<string, Encoding>();

/** The encoding that Accept-Encoding asks for (RFC 9110 §12.5.3); identity where it asks for none that we know. */
export function accepts(accept_encoding: string | undefined): Encoding {
  if (accept_encoding === undefined || accept_encoding === '') return 'identity';
  const known = choices.get(accept_encoding);
  if (known !== undefined) return known;
  const wanted = weights(accept_encoding);
  // "*" asks for nothing in particular: who cannot unpack what we would pick is not helped by it.
  const weightOf = (name: string): number => wanted.get(name) ?? 0;
  let best: Encoding = 'identity';
  let most = wanted.get('identity') ?? 0;
  for (const name of PACKED) {
    const weight = weightOf(name);
    const isBetter = best === 'identity' ? weight > 0 && weight >= most : weight > most;
    if (!isBetter) continue;
    best = name;
    most = weight;
  }
  if (choices.size >= MOST_REMEMBERED) choices.clear();
  choices.set(accept_encoding, best);
  return best;
}

/** "gzip;q=0.5, br" as weights by name. */
function weights(accept_encoding: string): Map<string, number> {
  const entries = accept_encoding.split(',').map((one): [string, number] => {
    const [name = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
    const q = parameters.find((part) => part.startsWith('q='))?.slice(2);
    const weight = q === undefined ? 1 : Number(q);
    return [name === 'x-gzip' ? 'gzip' : name, weight >= 0 && weight <= 1 ? weight : 0];
  });
  return new Map(entries);
}
