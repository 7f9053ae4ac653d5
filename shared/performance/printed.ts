import { divide, toNumber } from '../amount.ts';

/**
 * A statistic as QuantConnect prints it, and what it says: "271.453%" is the fraction 2.71453, "$3.44" money in "$",
 * "₮3.44" in tether. Keep the text beside it: it was rounded (percent to 3, 2 or 0 decimals).
 */
export type Printed =
  | { readonly unit: 'number' | 'fraction'; readonly value: number }
  | { readonly unit: 'currency'; readonly symbol: string; readonly value: number }
  | { readonly unit: 'text'; readonly value: string };

const NUMBER = /^-?\d+(\.\d+)?$/;
/** A sign may stand on either side of the currency symbol; symbols hold no digit, letter or space. */
const MONEY = /^(-?)([^\d\s.,%\p{L}-]{1,4})(-?)([\d,]+(?:\.\d+)?)$/u;

/** Reads one printed statistic; whatever is not a number is text. */
export function readPrinted(text: string): Printed {
  const trimmed = text.trim();
  if (NUMBER.test(trimmed)) return { unit: 'number', value: toNumber(trimmed) };
  const percent = trimmed.endsWith('%') ? trimmed.slice(0, -1).trim() : '';
  if (NUMBER.test(percent)) return { unit: 'fraction', value: toNumber(divide(percent, '100', 30)) };
  const [, before = '', symbol = '', after = '', digits = ''] = MONEY.exec(trimmed) ?? [];
  if (symbol === '') return { unit: 'text', value: text };
  return { unit: 'currency', symbol, value: toNumber(`${before || after}${digits.replaceAll(',', '')}`) };
}
