import { z } from 'zod';

/**
 * The closed catalogue of reasons for which a signal, a message or a request is refused: CATEGORY_CONDITION with the
 * cause and the fix in words for a person. A code without an entry, and an entry without a test, fail the build.
 */
export const REASONS = {
  SIGNAL_MALFORMED: {
    cause: 'The signal does not have the shape of any accepted dialect.',
    fix: 'Correct the fields named in `issues` and send it again.',
  },
  SIGNAL_FIELD_UNKNOWN: {
    cause: 'The signal has a field that no dialect knows.',
    fix: 'Remove the field, or move it into `features`, `parameters` or `extras`, which are kept.',
  },
  SIGNAL_PROTECTION_AMBIGUOUS: {
    cause: 'A stop or a target is given both as a price and as a percentage.',
    fix: 'Give one of the two.',
  },
  SIGNAL_PROTECTION_WRONG_SIDE: {
    cause: 'A stop or a target lies on the side of the price where it would trigger at once.',
    fix: 'For a buy, put the stop below and the target above the price; for a sell, the other way round.',
  },
  SIGNAL_ORDER_INCOMPLETE: {
    cause: 'The order type needs a price that is missing, or has one that it cannot use.',
    fix: 'Give limit_price for limit, stop_price for stop_market, both for stop_limit, none for market.',
  },
  SIGNAL_SIZE_MISSING: {
    cause: 'The signal opens a position and says no size.',
    fix: 'Give a quantity above zero, or a sizing with mode and value.',
  },
  SIGNAL_SIZING_IMPOSSIBLE: {
    cause: 'The size cannot be computed from what is known: no stop to size risk by, or no equity.',
    fix: 'Give a stop with risk_based sizing, or size in units.',
  },
  SIGNAL_INTENT_UNSUPPORTED: {
    cause: 'Amending and cancelling by signal are not available yet.',
    fix: 'Send a close signal, or use the flatten lever.',
  },
  SIGNAL_HOLD: { cause: 'The signal asks for nothing.', fix: 'Nothing to do: it is recorded, no order follows.' },
  SIGNAL_ID_REUSED: {
    cause: 'A signal with the same identity but other content exists already.',
    fix: 'Give the new signal its own signal_id; correct an old one by a new signal.',
  },
  SIGNAL_EXPIRED: {
    cause: 'The signal was past its valid_until, or older than max_signal_age_ms, when it was judged.',
    fix: 'Send signals sooner, or give them a later valid_until.',
  },
  SIGNAL_FROM_FUTURE: {
    cause: 'The signal was decided later than now.',
    fix: 'Set the producer clock right; timestamps are UTC.',
  },
  SIGNAL_NOT_NEEDED: {
    cause: 'There is nothing to close, or the position is already at its target.',
    fix: 'Nothing to do: check the position if you expected one.',
  },
  SYMBOL_UNKNOWN: {
    cause: 'The symbol map has no such symbol on that exchange.',
    fix: 'Add it with `npx quantbridge symbols add`.',
  },
  SYMBOL_AMBIGUOUS: {
    cause: 'Several exchanges list the symbol and the signal names none.',
    fix: 'Name the exchange.',
  },
  SYMBOL_DISABLED: {
    cause: 'The symbol is switched off in the map.',
    fix: 'Enable it with `npx quantbridge symbols set`.',
  },
  SYMBOL_NOT_ALLOWED: {
    cause: 'The limits allow other symbols only.',
    fix: 'Add it to allowed_symbols with `npx quantbridge limits set`.',
  },
  ALGORITHM_UNKNOWN: {
    cause: 'No algorithm has that id.',
    fix: 'List the algorithms with `npx quantbridge algorithms list`.',
  },
  ALGORITHM_FORBIDDEN: {
    cause: 'The key belongs to another algorithm.',
    fix: 'Use the key of the algorithm that the payload names.',
  },
  MARKET_NO_PRICE: {
    cause: 'No price of that market is known.',
    fix: 'Load bars for it, or wait for its first bar.',
  },
  RISK_BELOW_MINIMUM: {
    cause: 'The quantity, brought to the lot, is below what the market takes.',
    fix: 'Size the signal larger.',
  },
  RISK_POSITION_LIMIT: {
    cause: 'The position would exceed max_position_size_pct of equity.',
    fix: 'Size the signal smaller, or raise the limit with `npx quantbridge limits set`.',
  },
  RISK_DAILY_LOSS_LIMIT: {
    cause: 'The loss of the day has reached max_daily_loss_pct of the equity at its start.',
    fix: 'Only closing signals pass until the next day.',
  },
  RISK_LEVERAGE_LIMIT: {
    cause: 'The gross exposure would exceed max_portfolio_leverage times equity.',
    fix: 'Close something first, or raise the limit with `npx quantbridge limits set`.',
  },
  RISK_SHORT_NOT_ALLOWED: {
    cause: 'The signal would open a short position and the limits do not allow shorts.',
    fix: 'Send it as a close, or set allow_short with `npx quantbridge limits set`.',
  },
  RISK_FENCED: {
    cause: 'An unexplained difference to the books of QuantConnect fences new risk for this deployment.',
    fix: 'See the break in `npx quantbridge status`; once it is explained, `npx quantbridge resume`.',
  },
  CONTROL_HALTED: {
    cause: 'Trading is halted.',
    fix: '`npx quantbridge resume --reason …` when the cause is gone.',
  },
  CONTROL_REDUCING: {
    cause: 'Only signals that lower risk pass.',
    fix: '`npx quantbridge resume --reason …` when the cause is gone.',
  },
  DELIVERY_EXPIRED: {
    cause: 'The signal expired before it could be delivered.',
    fix: 'See the delivery in `npx quantbridge status`; nothing was ordered.',
  },
  DELIVERY_HALTED: {
    cause: 'Trading was halted between acceptance and delivery.',
    fix: 'Nothing was ordered. Send a new signal after `npx quantbridge resume`.',
  },
  DELIVERY_REFUSED: {
    cause: 'QuantConnect refused the command.',
    fix: 'Read its error in the delivery; the algorithm can still pull the signal while it is valid.',
  },
  DELIVERY_UNROUTED: {
    cause: 'No active deployment of the algorithm trades the symbol.',
    fix: 'Add or activate one with `npx quantbridge deployments add`.',
  },
  REPORT_MALFORMED: {
    cause: 'The report does not have the shape of a report.',
    fix: 'Correct the fields named in `issues`.',
  },
  REPORT_CONFLICT: {
    cause: 'A report with this qc_deploy_id and report_seq and other content was received before.',
    fix: 'Number reports densely per deployment; never reuse a number.',
  },
  REPORT_DEPLOYMENT_UNKNOWN: {
    cause: 'No deployment has that id, or it belongs to another project.',
    fix: 'Use the deployment_id that the algorithm was given.',
  },
  MESSAGE_MALFORMED: {
    cause: 'A message on a topic could not be read; its bytes are parked.',
    fix: 'See `npx quantbridge parked`; correct the publisher and send it again.',
  },
  BUNDLE_UNKNOWN: {
    cause: 'There is no bundle of that id, or no part of that number, for this key.',
    fix: 'Ask for it with POST /bundles; the answer names its parts.',
  },
  BUNDLE_TOO_LARGE: {
    cause: 'The bundle would have more rows than one request may freeze, or a row that no part can hold.',
    fix: 'Ask for fewer symbols or a shorter range, or leave features out.',
  },
  KEY_MISSING: { cause: 'The request carries no key.', fix: 'Send the key in the header X-API-KEY.' },
  KEY_INVALID: { cause: 'The key is unknown, revoked, expired or wrong.', fix: 'Ask the operator for a valid key.' },
  KEY_SCOPE: { cause: 'The key is not allowed to do this.', fix: 'Use a key with the scope that the message names.' },
  SIGNATURE_MISSING: {
    cause: 'What is sent with this key must be signed, and the request carries no signature.',
    fix: 'Send X-Signature, X-Timestamp and X-Key-Id, signed with the secret that was shown when the key was made.',
  },
  SIGNATURE_INVALID: {
    cause: 'The signature does not fit the request.',
    fix: 'Sign timestamp, method, path with query, and body, each on its own line, with the secret of X-Key-Id.',
  },
  SIGNATURE_STALE: {
    cause: 'The timestamp of the signature is too far from the time here.',
    fix: 'Set the clock right and sign each request anew.',
  },
  RATE_LIMITED: {
    cause: 'More was asked in a short time than this key or this address may ask.',
    fix: 'Wait as many seconds as Retry-After says, then ask again, and less often; nothing was changed.',
  },
  REQUEST_MALFORMED: { cause: 'The request cannot be read.', fix: 'Correct the fields named in `issues`.' },
  REQUEST_TOO_LARGE: { cause: 'The body is larger than the route takes.', fix: 'Send less at once.' },
  REQUEST_TIMEOUT: { cause: 'The request did not arrive in time.', fix: 'Send it in one go; it changed nothing.' },
  URL_TOO_LONG: {
    cause: 'The path with its query is longer than the door takes.',
    fix: 'Ask by POST /signals/batch, or in parts.',
  },
  HEADERS_TOO_LARGE: {
    cause: 'The request has more headers, or larger ones, than the door takes.',
    fix: 'Send the headers that the API names, no others.',
  },
  ENCODING_UNSUPPORTED: {
    cause: 'The body is packed.',
    fix: 'Send it as it is, without Content-Encoding.',
  },
  METHOD_UNKNOWN: {
    cause: 'The route does not take this method.',
    fix: 'Use a method that the header Allow names.',
  },
  ROUTE_UNKNOWN: { cause: 'There is no such route.', fix: 'See GET /openapi.json or the README.' },
  AS_OF_UNKNOWN: {
    cause: 'No answer can have been as of that state.',
    fix: 'Take `as_of` from an answer, or name a time that has passed.',
  },
  AS_OF_UNSEALED: {
    cause: 'Facts of that time are not sealed into the trail yet.',
    fix: 'Ask again after the next minute, or leave as_of out.',
  },
  AS_OF_UNSUPPORTED: {
    cause: 'This read cannot be answered as of a time that has passed.',
    fix: 'Leave as_of out; the past of one signal is in GET /lineage/{signal_id}, that of all in the exported trail.',
  },
  SIGNAL_UNKNOWN: {
    cause: 'There is no such signal, or none that the key may see.',
    fix: 'Take the signal_id from the answer to POST /signals or GET /signals.',
  },
  BACKTEST_UNKNOWN: {
    cause: 'There is no such backtest, or it has no result yet.',
    fix: 'Ask GET /backtests/{id} for its state; start one with POST /backtests.',
  },
  BARS_COLUMN_MISSING: {
    cause: 'The file lacks a column that bars need.',
    fix: 'Give it a header line with date (or time), open, high, low, close and, if known, volume.',
  },
  BARS_NUMBER_UNREADABLE: { cause: 'A value is not a decimal number.', fix: 'Correct the named line.' },
  BARS_TIME_UNREADABLE: {
    cause: 'A date or time cannot be read.',
    fix: 'Write YYYY-MM-DD, or ISO-8601 with a zone.',
  },
  BARS_PRICE_NOT_POSITIVE: { cause: 'A price is zero or negative.', fix: 'Correct the named line.' },
  BARS_HIGH_BELOW_LOW: {
    cause: 'High is below low, or open or close lies outside them.',
    fix: 'Correct the named line.',
  },
  BARS_OUT_OF_ORDER: {
    cause: 'A bar is not later than the one before it.',
    fix: 'Sort the file by time; remove doubles.',
  },
  BARS_EMPTY: { cause: 'The file has no bars.', fix: 'Name a file with at least one bar.' },
  CONFIG_INVALID: { cause: 'The configuration document is not valid.', fix: 'Correct the fields named in `issues`.' },
  UNAVAILABLE: { cause: 'A part that is needed does not answer now.', fix: 'Try again; nothing was changed.' },
  INTERNAL: { cause: 'QuantBridge met an error of its own.', fix: 'Report it with the request_id.' },
} as const satisfies Record<string, { cause: string; fix: string }>;

export type ReasonCode = keyof typeof REASONS;
export const ReasonCode = z.enum(Object.keys(REASONS) as [ReasonCode, ...ReasonCode[]]);
