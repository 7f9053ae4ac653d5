import { describe, expect, it } from 'vitest';
import { readPrinted } from '#shared/performance/printed.ts';

describe('a printed statistic', () => {
  it.each([
    ['8.854', { unit: 'number', value: 8.854 }],
    ['-0.005', { unit: 'number', value: -0.005 }],
    ['271.453%', { unit: 'fraction', value: 2.71453 }],
    ['-99.597%', { unit: 'fraction', value: -0.99597 }],
    ['0%', { unit: 'fraction', value: 0 }],
    ['$3.44', { unit: 'currency', symbol: '$', value: 3.44 }],
    ['-$3.44', { unit: 'currency', symbol: '$', value: -3.44 }],
    ['$-1,234.50', { unit: 'currency', symbol: '$', value: -1234.5 }],
    ['₮85.34', { unit: 'currency', symbol: '₮', value: 85.34 }],
    ['€0', { unit: 'currency', symbol: '€', value: 0 }],
    ['SPY R735QTJ8XC9X', { unit: 'text', value: 'SPY R735QTJ8XC9X' }],
    ['3da9fa60bf95b9ed148b95e02e0cfc9e', { unit: 'text', value: '3da9fa60bf95b9ed148b95e02e0cfc9e' }],
    ['NaN', { unit: 'text', value: 'NaN' }],
    ['', { unit: 'text', value: '' }],
  ])('%s reads as %j', (text, expected) => {
    expect(readPrinted(text)).toEqual(expected);
  });
});
