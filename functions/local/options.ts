import { Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_DATA } from '../cli/data.ts';

export interface StartOptions {
  readonly data: string;
  readonly port: number;
  /** A CSV file, or undefined for the built-in S&P 500. */
  readonly bars: string | undefined;
  readonly market: { readonly exchange: string; readonly symbol: string };
  readonly session: 'always' | 'exchange';
  /** Instants per second; undefined is as fast as it goes. */
  readonly speed: number | undefined;
  readonly once: boolean;
  readonly json: boolean;
  readonly environment: 'replay' | 'paper' | 'live';
  readonly iAcceptLiveTrading: boolean;
}

const MISUSED = 2;

const whole = (text: string): number => {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('a port is a whole number from 0 to 65535');
  return Number(text);
};
const rate = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a speed is a number above zero, in bars per second');
  return value;
};
const market = (text: string): StartOptions['market'] => {
  const [, exchange, symbol] = /^([a-z][a-z0-9_-]{0,23}):([A-Z0-9][A-Z0-9._-]{0,31})$/.exec(text) ?? [];
  if (exchange === undefined || symbol === undefined)
    throw new InvalidArgumentError('a market reads exchange:SYMBOL, such as bybit:BTCUSDT');
  return { exchange, symbol };
};

/** Reads the arguments of `npm start`; pure but for what commander prints for --help and mistakes. */
export function startOptions(argv: readonly string[]): StartOptions {
  const program = new Command('npm start --')
    .description('Replays real market data through every function on this machine, then keeps serving.')
    .option('--data <folder>', 'where everything is kept', DEFAULT_DATA)
    .option('--port <number>', 'port on 127.0.0.1; 0 takes a free one', whole, 8080)
    .option(
      '--bars <file>',
      'a CSV file with date or time, open, high, low, close and volume (default: S&P 500, 2000 to 2020)',
    )
    .option('--market <exchange:SYMBOL>', 'the market of the bars', market, { exchange: 'cboe', symbol: 'SPX' })
    .addOption(
      new Option('--session <kind>', 'when that market trades').choices(['exchange', 'always']).default('exchange'),
    )
    .option('--speed <bars per second>', 'slows the replay down, to watch it', rate)
    .option('--once', 'replay, summary, end; the exit code says whether the books close and the trail verifies', false)
    .option('--json', 'the summary as one JSON object on the last line of standard output', false)
    .addOption(
      new Option(
        '--environment <name>',
        'replay on the stand-in, or paper or live at QuantConnect with credentials in the environment',
      )
        .choices(['replay', 'paper', 'live'])
        .default('replay'),
    )
    .option('--i-accept-live-trading', 'the second switch that live needs', false)
    .showHelpAfterError('See `npm start -- --help`.')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : MISUSED))
    .parse(argv, { from: 'user' });
  const { bars, speed, ...rest } = program.opts<StartOptions>();
  return { ...rest, bars, speed };
}
