"""The programs that `npm run bench -- numbers` compares with: python numbers-base.py LIBRARY CASE FILE REPEATS.

FILE holds the prices as little-endian doubles. The answer is one line of JSON: the versions, the fewest seconds of all
repeats by the clock and on the processor, and the numbers. LIBRARY "versions" says which of the two libraries there are. Money is in doubles.

The rule: long when the fast average of closes crosses above the slow one, flat when it crosses below, all in at the
close of the crossing, a fee on the value of each fill; equity is marked at a close before what fills there.
"""

import functools
import json
import sys
import time

import numpy as np

CAPITAL = 10_000.0
FEE = 0.001
YEAR = 98_280.0
FASTS = (5, 8, 10, 12, 15, 18, 20, 22, 25, 30)
SLOWS = (40, 50, 60, 80, 100, 120, 150, 180, 200, 250)


def statistics(start, n, end, total, squares, deepest, trades, wins):
    mean = total / n
    spread = ((squares - n * mean * mean) / (n - 1)) ** 0.5
    sharpe = mean / spread * YEAR**0.5 if spread > 0 else None
    return [end, end / start - 1, sharpe, deepest, trades, wins / trades if trades else None]


def numpy_averages(closes, period):
    sums = np.cumsum(closes)
    sums[period:] = sums[period:] - sums[:-period]
    return sums / period


def numpy_run(closes, fast, slow):
    above = numpy_averages(closes, fast)[slow - 1 :] > numpy_averages(closes, slow)[slow - 1 :]
    turns = np.flatnonzero(above[1:] != above[:-1]) + slow
    if above[0]:
        turns = turns[1:]
    turns = turns[turns < len(closes) - 1]
    prices = closes[turns]
    entries, exits = prices[0::2], prices[1::2]
    growth = exits / entries[: len(exits)] * (1 - FEE) / (1 + FEE)
    cash = CAPITAL * np.concatenate(([1.0], np.cumprod(growth)))
    units = cash[: len(entries)] / (entries * (1 + FEE))
    stops = np.concatenate(([-1], turns, [len(closes) - 1]))
    held = np.zeros(len(stops) - 1)
    held[1::2] = units
    free = np.zeros(len(stops) - 1)
    free[0::2] = cash[: len(free[0::2])]
    lengths = np.diff(stops)
    equity = np.repeat(free, lengths) + np.repeat(held, lengths) * closes
    returns = equity[1:] / equity[:-1] - 1
    deepest = (equity / np.maximum.accumulate(equity)).min() - 1
    wins = int(np.count_nonzero(growth > 1))
    total, squares = float(returns.sum()), float(np.dot(returns, returns))
    return statistics(CAPITAL, len(returns), float(equity[-1]), total, squares, float(deepest), len(exits), wins)


def numba_kernel():
    import numba

    @numba.njit
    def run(closes, fast, slow, capital, fee, equity):
        cash, units, entry, peak, deepest = capital, 0.0, 0.0, capital, 0.0
        total = squares = fast_sum = slow_sum = 0.0
        trades = wins = 0
        before = 0.0
        last = capital
        n = len(closes)
        for i in range(n):
            price = closes[i]
            now = cash + units * price
            equity[i] = now
            if i > 0:
                change = now / last - 1.0
                total += change
                squares += change * change
            last = now
            if now > peak:
                peak = now
            fall = now / peak - 1.0
            if fall < deepest:
                deepest = fall
            fast_sum += price
            slow_sum += price
            if i >= fast:
                fast_sum -= closes[i - fast]
            if i >= slow:
                slow_sum -= closes[i - slow]
            if i < slow - 1:
                continue
            distance = fast_sum / fast - slow_sum / slow
            if i < n - 1:
                if before < 0.0 and distance > 0.0 and units == 0.0:
                    units = cash / (price * (1.0 + fee))
                    cash = 0.0
                    entry = price
                elif before > 0.0 and distance < 0.0 and units > 0.0:
                    cash = units * price * (1.0 - fee)
                    trades += 1
                    if price * (1.0 - fee) > entry * (1.0 + fee):
                        wins += 1
                    units = 0.0
            before = distance
        return last, total, squares, deepest, trades, wins

    return run


def numba_tuned_kernel():
    """The same, hand-tuned: no division for the averages, none checked for zero, the warm-up before the loop."""
    import numba

    @numba.njit(error_model="numpy")
    def run(closes, fast, slow, capital, fee, equity):
        cash, units, entry, peak, deepest = capital, 0.0, 0.0, capital, 0.0
        total = squares = fast_sum = slow_sum = 0.0
        trades = wins = 0
        last = capital
        n = len(closes)
        for i in range(slow):
            equity[i] = capital
            slow_sum += closes[i]
        for i in range(slow - fast, slow):
            fast_sum += closes[i]
        before = fast_sum * slow - slow_sum * fast
        for i in range(slow, n):
            price = closes[i]
            now = cash + units * price
            equity[i] = now
            change = now / last - 1.0
            total += change
            squares += change * change
            last = now
            if now > peak:
                peak = now
            fall = now / peak - 1.0
            if fall < deepest:
                deepest = fall
            fast_sum += price - closes[i - fast]
            slow_sum += price - closes[i - slow]
            distance = fast_sum * slow - slow_sum * fast
            if i < n - 1:
                if before < 0.0 and distance > 0.0 and units == 0.0:
                    units = cash / (price * (1.0 + fee))
                    cash = 0.0
                    entry = price
                elif before > 0.0 and distance < 0.0 and units > 0.0:
                    cash = units * price * (1.0 - fee)
                    trades += 1
                    if price * (1.0 - fee) > entry * (1.0 + fee):
                        wins += 1
                    units = 0.0
            before = distance
        return last, total, squares, deepest, trades, wins

    return run


def numba_runner(closes, is_tuned):
    kernel = numba_tuned_kernel() if is_tuned else numba_kernel()
    equity = np.empty_like(closes)

    def run(fast, slow):
        end, total, squares, deepest, trades, wins = kernel(closes, fast, slow, CAPITAL, FEE, equity)
        return statistics(CAPITAL, len(closes) - 1, end, total, squares, deepest, trades, wins)

    return run


def monte_carlo(covariance, paths, folds):
    """Loss and shortfall at 99 % of equal weights: each asset's returns kept, or the weights folded into the factor."""
    assets = len(covariance)
    factor = np.linalg.cholesky(covariance)
    weights = np.full(assets, 1 / assets)
    loading = factor.T @ weights
    generator = np.random.default_rng(7)
    drawn = np.empty((paths, assets))
    returns = np.empty((paths, assets))
    outcomes = np.empty(paths)

    def run():
        generator.standard_normal(out=drawn)
        if folds:
            np.matmul(drawn, loading, out=outcomes)
        else:
            np.matmul(drawn, factor.T, out=returns)
            np.matmul(returns, weights, out=outcomes)
        place = (paths - 1) / 100
        low = int(place)
        cut = np.partition(outcomes, (low, low + 1))
        return [-float(cut[low] + (cut[low + 1] - cut[low]) * (place - low)), -float(cut[: paths // 100].mean())]

    return run


def case_of(library, case, numbers):
    if case.startswith("monte-carlo"):
        assets = int(len(numbers) ** 0.5)
        run = monte_carlo(numbers.reshape(assets, assets), 100_000, case.endswith("folded"))
        return lambda: [run()]
    if library == "numpy":
        run = functools.partial(numpy_run, numbers)
    else:
        run = numba_runner(numbers, library.endswith("tuned"))
    if case == "portfolio":
        return lambda: [run(20, 50)]
    return lambda: [run(fast, slow) for fast in FASTS for slow in SLOWS]


def versions():
    found = {"python": sys.version.split()[0], "numpy": np.__version__}
    try:
        import numba

        found["numba"] = numba.__version__
    except ImportError:
        pass
    return found


def main(library, case="", file="", repeats="1"):
    if library == "versions":
        print(json.dumps(versions()))
        return
    run = case_of(library, case, np.fromfile(file))
    numbers = run()
    wall = cpu = float("inf")
    for _ in range(int(repeats)):
        began, began_on_cpu = time.perf_counter(), time.thread_time()
        run()
        wall = min(wall, time.perf_counter() - began)
        cpu = min(cpu, time.thread_time() - began_on_cpu)
    print(json.dumps({"wall": wall, "cpu": cpu, "numbers": numbers}))


main(*sys.argv[1:])
