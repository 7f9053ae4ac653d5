import type { Command } from 'commander';
import type { Desk } from './data.ts';
import { changes, given, market, marketParts, member, yesOrNo } from './options.ts';
import { type Options, onData, outcome, table } from './screen.ts';

const FIELDS = ['currency', 'lot_size', 'tick_size', 'minimum_quantity', 'session', 'enabled'];
const NAMES = ['ticker', 'security_type', 'market'];

/** The symbol map: what we call a market, and what QuantConnect calls it. */
export function mountSymbols(program: Command): void {
  const symbols = program.command('symbols').description('the symbol map: list, add, set');
  symbols.command('list').description('every market of the map').action(onData(list));
  const add = symbols.command('add').description('add a market to the map');
  const set = symbols.command('set').description('change what is named of a market');
  members(add, true).action(onData((desk, options, [name = '']) => put(desk, options, name, 'add')));
  members(set, false).action(onData((desk, options, [name = '']) => put(desk, options, name, 'set')));
}

const members = (command: Command, isNew: boolean): Command =>
  command
    .argument('<market>', 'exchange:SYMBOL, such as bybit:BTCUSDT', market)
    .addOption(member(isNew, '--ticker <ticker>', 'what QuantConnect calls it'))
    .addOption(member(isNew, '--security-type <type>', 'equity, forex, cfd, crypto, cryptofuture, future, index'))
    .addOption(member(isNew, '--market <name>', 'its market at QuantConnect, such as usa or bybit'))
    .addOption(member(isNew, '--currency <code>', 'in which it is quoted'))
    .addOption(member(isNew, '--lot-size <amount>', 'quantities are multiples of it'))
    .addOption(member(isNew, '--tick-size <amount>', 'prices are multiples of it'))
    .addOption(member(isNew, '--minimum-quantity <amount>', 'the smallest order'))
    .addOption(member(isNew, '--session <kind>', 'always, or exchange where it closes'))
    .option('--enabled <yes|no>', 'whether signals for it are accepted', yesOrNo);

async function put({ store, by }: Desk, options: Options, name: string, way: 'add' | 'set') {
  const { addInstrument, changeInstrument } = await import('#shared/market/instrument-change.ts');
  const { exchange, symbol } = marketParts(name);
  const quantconnect = given(options, NAMES);
  const renamed = Object.keys(quantconnect).length === 0 ? {} : { quantconnect };
  const all = { ...options, ...renamed };
  const { keys, decide } =
    way === 'add'
      ? addInstrument(exchange, symbol, { enabled: true, ...given(all, [...FIELDS, 'quantconnect']) }, by)
      : changeInstrument(exchange, symbol, changes(all, [...FIELDS, 'quantconnect']), by);
  const words = way === 'add' ? 'Added' : 'Changed';
  return outcome(await store.commit(keys, decide), (now) => `${words} ${name}, version ${now.version}.`);
}

async function list({ store }: Desk) {
  const { Instruments } = await import('#shared/market/schema.ts');
  const found = await store.query(Instruments, { equal: {}, limit: 10_000 });
  const documents = found.map(({ document }) => document);
  const rows = documents.map((one) => [
    `${one.exchange}:${one.symbol}`,
    `${one.quantconnect.ticker} (${one.quantconnect.security_type}, ${one.quantconnect.market})`,
    one.currency,
    one.lot_size,
    one.tick_size,
    one.minimum_quantity,
    one.session,
    one.enabled ? 'on' : 'off',
  ]);
  const head = ['Market', 'At QuantConnect', 'Currency', 'Lot', 'Tick', 'Minimum', 'Session', ''];
  return { json: documents, text: await table(head, rows, 'The symbol map is empty.') };
}
