import { type Act, changeDocument, decided, type Fields, type Outcome, refusal, refuse } from '../control/config.ts';
import { key } from '../document.ts';
import { type Instrument, Instruments, instrumentId } from './schema.ts';

/** Adds a market to the symbol map; refused when it is there already. */
export const addInstrument = (exchange: string, symbol: string, fields: Fields, by: string): Act<Outcome<Instrument>> =>
  put(exchange, symbol, fields, by, 'add');

/** Changes the named members of a market of the symbol map, of `quantconnect` too. */
export const changeInstrument = (
  exchange: string,
  symbol: string,
  fields: Fields,
  by: string,
): Act<Outcome<Instrument>> => put(exchange, symbol, fields, by, 'change');

function put(
  exchange: string,
  symbol: string,
  fields: Fields,
  by: string,
  act: 'add' | 'change',
): Act<Outcome<Instrument>> {
  const id = instrumentId(exchange, symbol);
  return {
    keys: [key(Instruments, id)],
    decide: (read, now) => {
      const before = read(Instruments, id);
      if (act === 'add' && before !== undefined)
        return refuse(refusal('CONFIG_INVALID', 'symbol', `${id} is in the symbol map already`));
      if (act === 'change' && before === undefined)
        return refuse(refusal('SYMBOL_UNKNOWN', 'symbol', `${id} is not in the symbol map`));
      const named = { ...fields, ...quantconnectOf(before, fields), exchange, symbol };
      const change = { collection: Instruments, id, before, fields: named, by };
      return decided(changeDocument(change, now));
    },
  };
}

/** Its names at QuantConnect can be changed one by one. */
function quantconnectOf(before: Instrument | undefined, { quantconnect }: Fields): Fields {
  if (typeof quantconnect !== 'object' || quantconnect === null) return {};
  return { quantconnect: { ...before?.quantconnect, ...quantconnect } };
}
