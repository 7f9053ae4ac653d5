import { type Json, JsonValue } from '../document.ts';
import { BundleRow } from './schema.ts';

/**
 * The readable form of rows: one line each, commas between the fields, never a quote. What a field cannot hold (comma,
 * percent sign, quote, control characters, halves of characters) is written as %XX, or %uXXXX; an absent member is
 * empty, an empty text is a lone %. Features are name=JSON with semicolons between them.
 */
const FIELDS = [
  'seq',
  'available_at',
  'decision_at',
  'valid_until',
  'exchange',
  'symbol',
  'ticker',
  'security_type',
  'market',
  'intent',
  'side',
  'quantity',
  'target_quantity',
  'order_type',
  'time_in_force',
  'limit_price',
  'stop_price',
  'stop_loss',
  'stop_loss_pct',
  'take_profit',
  'take_profit_pct',
  'strategy_id',
  'model_id',
  'confidence',
  'features',
  'version',
  'signal_id',
] as const;
export const CSV_COLUMNS = `${FIELDS.join(',')}\n`;

const hex = (code: number, digits: number): string => code.toString(16).toUpperCase().padStart(digits, '0');
const escaped = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped
    .replace(/[\u0000-\u001f\u007f%,"]/g, (one) => `%${hex(one.charCodeAt(0), 2)}`)
    .replace(/\p{Surrogate}/gu, (one) => `%u${hex(one.charCodeAt(0), 4)}`);
const named = (text: string): string => escaped(text).replace(/[=;]/g, (one) => `%${hex(one.charCodeAt(0), 2)}`);

const field = (value: string | number | undefined): string => {
  if (value === undefined) return '';
  return value === '' ? '%' : escaped(String(value));
};

function featuresText(features: BundleRow['features']): string {
  if (features === undefined) return '';
  const members = Object.entries(features).map(([name, value]) => `${named(name)}=${named(JSON.stringify(value))}`);
  return members.length === 0 ? '%' : members.join(';');
}

export function csvLine(row: BundleRow): string {
  const { quantconnect, order, protect } = row;
  const fields = [
    row.seq,
    row.available_at,
    row.decision_at,
    row.valid_until,
    row.exchange,
    row.symbol,
    quantconnect.ticker,
    quantconnect.security_type,
    quantconnect.market,
    row.intent,
    row.side,
    row.quantity,
    row.target_quantity,
    order.type,
    order.time_in_force,
    order.limit_price,
    order.stop_price,
    protect.stop_loss,
    protect.stop_loss_pct,
    protect.take_profit,
    protect.take_profit_pct,
    row.strategy_id,
    row.model_id,
    row.confidence,
  ].map(field);
  return `${[...fields, featuresText(row.features), String(row.version), escaped(row.signal_id)].join(',')}\n`;
}

const unescaped = (text: string): string =>
  text.replace(/%u([0-9A-F]{4})|%([0-9A-F]{2})/g, (_, wide?: string, narrow?: string) =>
    String.fromCharCode(Number.parseInt(wide ?? narrow ?? '', 16)),
  );

function featuresOf(text: string): Record<string, Json> {
  if (text === '%') return {};
  return Object.fromEntries(
    text.split(';').map((member) => {
      const [name = '', value = ''] = member.split('=');
      return [unescaped(name), JsonValue.parse(JSON.parse(unescaped(value)))];
    }),
  );
}

/** Reads one line, without its end. Throws where it is no row. */
export function readCsvLine(line: string): BundleRow {
  const parts = line.split(',');
  if (parts.length !== FIELDS.length) throw new RangeError(`a line has ${parts.length} fields, not ${FIELDS.length}`);
  const raw = new Map(FIELDS.map((name, i) => [name, parts[i] ?? '']));
  const text = (name: (typeof FIELDS)[number]): string | undefined => {
    const given = raw.get(name) ?? '';
    if (given === '') return undefined;
    return given === '%' ? '' : unescaped(given);
  };
  const number = (name: (typeof FIELDS)[number]): number | undefined => {
    const given = text(name);
    return given === undefined ? undefined : Number(given);
  };
  const features = raw.get('features') ?? '';
  return BundleRow.parse(
    present({
      signal_id: text('signal_id'),
      version: number('version'),
      seq: number('seq'),
      exchange: text('exchange'),
      symbol: text('symbol'),
      quantconnect: { ticker: text('ticker'), security_type: text('security_type'), market: text('market') },
      intent: text('intent'),
      side: text('side'),
      quantity: text('quantity'),
      target_quantity: text('target_quantity'),
      order: present({
        type: text('order_type'),
        limit_price: text('limit_price'),
        stop_price: text('stop_price'),
        time_in_force: text('time_in_force'),
      }),
      protect: present({
        stop_loss: text('stop_loss'),
        stop_loss_pct: text('stop_loss_pct'),
        take_profit: text('take_profit'),
        take_profit_pct: text('take_profit_pct'),
      }),
      decision_at: text('decision_at'),
      available_at: text('available_at'),
      valid_until: text('valid_until'),
      strategy_id: text('strategy_id'),
      model_id: text('model_id'),
      confidence: number('confidence'),
      features: features === '' ? undefined : featuresOf(features),
    }),
  );
}

const present = (members: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
