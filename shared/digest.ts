import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** Canonical JSON (RFC 8785): one spelling for one value, so that equal values have equal hashes in any language. */
export function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('the value has no JSON form');
  return text;
}

/** Lower-case hex SHA-256 of UTF-8 text or bytes. */
export const sha256 = (data: string | Uint8Array): string => hash('sha256', data);

/**
 * A deterministic id: the same parts give the same id on every run and machine, so that a repeated act writes the
 * same document. 32 hex digits of the SHA-256 of the canonical parts.
 */
export const deterministicId = (...parts: readonly unknown[]): string => sha256(canonical(parts)).slice(0, 32);
