import type { BacktestResult } from '#shared/backtest/schema.ts';
import type { Gathered } from './market-data.ts';
import type { Note } from './report/page.ts';
import type { SweepCell } from './report/sweep-chart.ts';

/** What a reader must know of the bars and of a choice made with hindsight. */
export function notesOf(
  gathered: readonly Gathered[],
  swept: readonly SweepCell[] | undefined,
  best: SweepCell | undefined,
): Note[] {
  const sources = gathered.map(
    ({ market, source, bars, sha256 }): Note => ({
      tone: 'plain',
      text: `${market}: ${bars.length} bars, ${source}, sha256 ${sha256.slice(0, 12)}.`,
    }),
  );
  const old = gathered.flatMap(({ stale }): Note[] => (stale === undefined ? [] : [{ tone: 'bad', text: stale }]));
  const flagged = gathered.flatMap(({ market, flags }): Note[] => {
    if (flags.length === 0) return [];
    const first = flags.slice(0, 5).map(({ kind, date }) => `${kind.replaceAll('_', ' ')} ${date}`);
    const more = flags.length > first.length ? ` and ${flags.length - first.length} more` : '';
    return [
      {
        tone: 'plain',
        text: `${market}: ${flags.length} flags on the bars, none repaired: ${first.join(', ')}${more}.`,
      },
    ];
  });
  const parameters = Object.entries(best?.parameters ?? {}).map(([name, value]) => `${name} ${value}`);
  const hindsight: Note = {
    tone: 'bad',
    text: `The best of ${swept?.length ?? 0} cells by Sharpe ratio (${parameters.join(', ')}), chosen with hindsight: expect less of it than this.`,
  };
  return [...(best === undefined ? [] : [hindsight]), ...old, ...sources, ...flagged];
}

/** What the certificate of a run says, in a sentence. */
export function certificateNotes({ certificate }: BacktestResult): Note[] {
  if (certificate === undefined) return [];
  const { verdict, rerun, sha256 } = certificate;
  const extent = `${rerun.checked} of ${rerun.moments} moments with signals taken again without what came after`;
  const words = {
    clean: `${extent}, none changed.`,
    look_ahead: `${extent}: ${rerun.findings} signals know their future. See npx quantbridge lookahead.`,
    no_signals: 'there were no signals to check.',
  }[verdict];
  return [
    {
      tone: verdict === 'look_ahead' ? 'bad' : 'plain',
      text: `Look-ahead certificate ${sha256.slice(0, 12)}: ${words}`,
    },
  ];
}
