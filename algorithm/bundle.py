"""Signals of a whole backtest, read from the text that the bridge serves.

A bundle is one text or several parts of it, as ``QCAlgorithm.download`` returns them. It is believed whole or not at
all: a part that is empty, cut short, changed or missing raises ``BundleError``, so that a failed download fails the
backtest. Rows come out once each, in the order in which they became available, and never before their time.

    bundle = Bundle(*[self.download(url, headers) for url in urls])
    for row in bundle.due(self.utc_time):
        ...

Only the standard library is used.
"""

import copy
import json
import sys
import zlib
from array import array
from binascii import Error as Base64Error
from binascii import a2b_base64
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from hashlib import sha256
from re import compile as pattern

_EPOCH = datetime(1970, 1, 1)
_ABSENT = object()
_SIZES = {"": 0, "B": 1, "b": 1, "H": 2, "h": 2, "I": 4, "i": 4, "q": 8}
_COUNTED = ("v", "part", "parts", "rows")


class BundleError(ValueError):
    """The text is no bundle, or not the whole of it."""


class TooEarly(BundleError):
    """A row was asked for before it was available, or time went backwards."""


class Bundle:
    """The rows of a bundle, released by the time at which they were available.

    Rows are dicts under the wire names. Times are milliseconds since 1970 in UTC, or datetimes; one without a zone is
    UTC, as LEAN's ``UtcTime`` is.
    """

    def __init__(self, *texts):
        if not texts:
            raise BundleError("a bundle needs at least one part")
        parts = sorted((_part(text) for text in texts), key=lambda part: part[0]["part"])
        _check_complete([header for header, _ in parts])
        self.header = parts[0][0]
        self.rows = sum(header["rows"] for header, _ in parts)
        self.released = 0
        self._blocks = []
        for header, body in parts:
            self._blocks.extend(_blocks(header, body))
        self._block = 0
        self._at = 0
        self._now = None
        self._last = (-1, -1)
        self._next = self._peek()

    def __len__(self):
        return self.rows

    @property
    def next_at(self):
        """When the next row is available, in milliseconds since 1970; None after the last one."""
        return self._next

    def due(self, until):
        """The rows that became available since the last call, up to and with ``until``."""
        now = _milliseconds(until)
        if self._now is not None and now < self._now:
            raise TooEarly("time went backwards: rows were released until %s already" % _instant(self._now))
        self._now = now
        found = []
        while self._next is not None and self._next <= now:
            found.append(self._take())
        return found

    def take(self, now):
        """The next row, which must be available at ``now``; None after the last one."""
        if self._next is None:
            return None
        at = _milliseconds(now)
        if self._now is not None and at < self._now:
            raise TooEarly("time went backwards: rows were released until %s already" % _instant(self._now))
        if self._next > at:
            raise TooEarly("the next row is available at %s, not at %s" % (_instant(self._next), _instant(at)))
        self._now = at
        return self._take()

    def _peek(self):
        while self._block < len(self._blocks):
            block = self._blocks[self._block]
            if self._at < block.count:
                return block.available(self._at)
            self._blocks[self._block] = None
            self._block += 1
            self._at = 0
        if self.released != self.rows:
            raise BundleError("the bundle says that it has %d rows, %d were there" % (self.rows, self.released))
        return None

    def _take(self):
        row = self._blocks[self._block].row(self._at)
        place = (self._next, row["seq"])
        if place <= self._last or row["seq"] <= self._last[1]:
            raise BundleError("row %d stands behind row %d" % (row["seq"], self._last[1]))
        self._last = place
        self._at += 1
        self.released += 1
        self._next = self._peek()
        return row


def _part(text):
    """The header of a part and the bytes after it, checked against each other."""
    if not isinstance(text, str) or not text:
        raise BundleError("a part is empty: the download failed, or the address is wrong")
    line, found, rest = text.partition("\n")
    if not found:
        raise BundleError("the text is no part of a bundle: it begins with %r" % text[:80])
    header = _header(line)
    body = rest.encode("utf-8")
    if sha256(body).hexdigest() != header["sha256"]:
        raise BundleError("part %d is not what the bridge served: its sha256 differs" % header["part"])
    return header, body


def _header(line):
    try:
        if line.startswith("#"):
            header = dict(member.split("=", 1) for member in line[1:].split(";"))
            header.update((name, int(header[name])) for name in _COUNTED)
        else:
            header = json.loads(line)
            if not all(type(header[name]) is int for name in _COUNTED):
                raise TypeError("a number is none")
        known = header["v"] == 1 and header["format"] in ("planes", "csv")
        whole = all(header[name] for name in ("bundle_id", "algorithm_id", "sha256", "as_of"))
    except (ValueError, KeyError, TypeError):
        raise BundleError("the text is no part of a bundle: it begins with %r" % line[:80]) from None
    if not known or not whole:
        raise BundleError("this reader knows version 1 of planes and csv, not %r" % line[:80])
    return header


def _check_complete(headers):
    first = headers[0]
    for header in headers:
        for name in ("bundle_id", "algorithm_id", "format", "parts", "as_of", "from", "to"):
            if header.get(name) != first.get(name):
                raise BundleError("part %d is of another bundle: its %s differs" % (header["part"], name))
    numbers = [header["part"] for header in headers]
    if numbers != list(range(1, first["parts"] + 1)):
        raise BundleError("parts 1 to %d are needed, given were %s" % (first["parts"], numbers))


def _blocks(header, body):
    """The blocks of a part, which together have as many rows as its header says."""
    try:
        if header["format"] == "csv":
            blocks = [_Lines(body)]
        else:
            blocks = [_Planes(line, header["algorithm_id"]) for line in body.split(b"\n") if line]
    except (zlib.error, Base64Error, ValueError, KeyError, IndexError, TypeError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError("part %d cannot be read: %s" % (header["part"], error)) from error
    count = sum(block.count for block in blocks)
    if count != header["rows"]:
        raise BundleError("part %d says that it has %d rows, %d are there" % (header["part"], header["rows"], count))
    return blocks


class _Planes:
    """A block of the dense form: columns of numbers, out of which each row is made once, in order, when it is due."""

    def __init__(self, line, algorithm_id):
        squeezed = a2b_base64(line)
        size = int.from_bytes(squeezed[-4:], "little")
        data = zlib.decompress(squeezed, 31, size or 1)
        length = int.from_bytes(data[:4], "little")
        head = json.loads(data[4 : 4 + length])
        self._data = memoryview(data)
        self._offset = 4 + length
        self._algorithm = _quoted(algorithm_id)
        self.count = head["n"]
        markets = head["m"]
        self._next = []
        start = 0
        for _, _, rows in markets:
            self._next.append(start)
            start += rows
        if start != self.count:
            raise BundleError("the markets of a block miscount")
        # What all rows of a market have in common: copied into each of them.
        self._same = [{"exchange": exchange, "symbol": symbol} for exchange, symbol, _ in markets]
        self._same_of = {name: [{} for _ in markets] for name in ("order", "protect", "features")}
        self._places = self._take(head["t"])
        self._times = {}
        self._reads = []
        self._nested = {"order": [], "protect": [], "features": []}
        self._bracket = None
        self._side = None
        self._code = None
        for column in head["c"]:
            self._read(column)
        self._data = None
        self._decision = None

    def available(self, at):
        """When the row at ``at`` is available; asked once for each row, before the row itself."""
        self._decision = self._times["decision_at"](at, 0)
        self._available = self._times["available_at"](at, 0) + self._decision
        return self._available

    def row(self, at):
        group = self._places[at] if self._places else 0
        place = self._next[group]
        self._next[group] = place + 1
        row = dict(self._same[group])
        row["decision_at"] = decision = _instant(self._decision)
        row["available_at"] = _instant(self._available)
        row["valid_until"] = _instant(self._times["valid_until"](at, 0) + self._decision)
        row["seq"] = self._times["seq"](at, 0)
        for name, read in self._reads:
            value = read(place, group)
            if value is not _ABSENT:
                row[name] = value
        for name, reads in self._nested.items():
            inner = self._same_of[name][group].copy()
            for member, read in reads:
                value = read(place, group)
                if value is not _ABSENT:
                    inner[member] = value
            if inner or name != "features":
                row[name] = inner
        if self._bracket is not None:
            self._bracket(place, group, row["side"], row["protect"])
        if self._code is not None:
            code = self._code(place, group)
            row["signal_id"] = self._derived(row, decision, code) if type(code) is int else code
        return row

    def _derived(self, row, decision, code):
        """The id of a signal: a hash of who decided what (see shared/signal/signal.ts)."""
        who = row["model_id"] if "model_id" in row else row.get("strategy_id")
        side = _quoted(row["side"]) if code == 1 else "null"
        parts = (self._algorithm, _quoted(who), _quoted(row["symbol"]), decision, side, _quoted(row["intent"]))
        return "sig-" + sha256(('[%s,%s,%s,"%s",%s,%s,null]' % parts).encode("utf-8")).hexdigest()[:32]

    def _take(self, kind):
        """The next numbers of one type, out of their planes."""
        size = _SIZES[kind]
        if size == 0:
            return None
        count = self.count
        end = self._offset + size * count
        if end > len(self._data):
            raise BundleError("a block ends within a column")
        numbers = array(kind)
        if size == 1:
            numbers.frombytes(self._data[self._offset : end])
        else:
            joined = bytearray(size * count)
            for plane in range(size):
                begin = self._offset + plane * count
                joined[plane::size] = self._data[begin : begin + count]
            numbers.frombytes(joined)
            if sys.byteorder == "big":
                numbers.byteswap()
        self._offset = end
        return numbers

    def _read(self, head):
        path = head["p"]
        kind = head["k"]
        if head["o"] == "r":
            self._times[path[0]] = _series(head, self._take(head["t"]), 1)
        elif kind in ("c", "g"):
            values = [head["v"][0]] * len(self._same) if kind == "c" else [_cell(given) for given in head["v"]]
            self._keep(path, values)
        elif kind == "d":
            self._add(path, head, _dictionary(head["v"], self._take(head["t"])))
        elif kind == "j":
            self._add(path, head, _listed(head["v"]))
        elif kind == "h":
            self._add(path, head, self._identifiers(head))
        elif kind == "x":
            self._code = _with_exceptions(_coded(self._take(head["t"])), head)
        elif kind == "b":
            self._bracket = self._bracketed(head)
        else:
            self._add(path, head, self._numbers(head))

    def _keep(self, path, values):
        """A member that is the same in all rows of a market."""
        if any(isinstance(value, (dict, list)) for value in values):
            self._add(path, {}, _per_group(values))
            return
        same = self._same if len(path) == 1 else self._same_of[path[0]]
        for members, value in zip(same, values):
            if value is not _ABSENT:
                members[path[-1]] = value

    def _add(self, path, head, read):
        read = _with_exceptions(read, head)
        if len(path) > 1:
            self._nested[path[0]].append((path[1], read))
            return
        if path[0] == "features":
            # Whole, where the rows do not share their names.
            self._nested.pop("features")
        self._reads.append((path[0], read))

    def _identifiers(self, head):
        size = 16 * self.count
        raw = bytes(self._data[self._offset : self._offset + size])
        if len(raw) != size:
            raise BundleError("a block ends within its ids")
        self._offset += size
        prefix = head["v"][0]
        return lambda place, group: prefix + raw[16 * place : 16 * place + 16].hex()

    def _numbers(self, head):
        present = self._take("B") if head.get("a") else None
        value_of = _series(head, self._take(head["t"]), len(self._same))
        write = _written(head["f"], _spread(head.get("s", 0), len(self._same)), bool(head.get("z")))
        if present is None:
            return lambda place, group: write(value_of(place, group), group)

        def read(place, group):
            value = value_of(place, group)
            return write(value, group) if present[place] else _ABSENT

        return read

    def _bracketed(self, head):
        """Stop and target as shared/bundle/bracket.ts reckons them."""
        choice, middle, stop, target = head["t"]
        choices = self._take(choice)
        middle_of = _series(head, self._take(middle), len(self._same))
        stops = self._take(stop)
        targets = self._take(target)
        widths = head["v"]
        scales = _spread(head.get("s", 0), len(self._same))
        foreign = {given[0]: given for given in head.get("x", ())}

        def put(place, group, side, protect):
            mid = middle_of(place, group)
            if place in foreign:
                _, loss, profit = foreign[place]
                protect.update([("stop_loss", one) for one in loss] + [("take_profit", one) for one in profit])
                return
            below, above = widths[choices[place]] if choices else widths[0]
            if side == "sell":
                below, above = -below, -above
            loss = (mid * (10000 - below) + 5000) // 10000
            profit = (mid * (10000 + above) + 5000) // 10000
            scale = scales[group]
            protect["stop_loss"] = _decimal(loss + stops[place] if stops else loss, scale, False)
            protect["take_profit"] = _decimal(profit + targets[place] if targets else profit, scale, False)

        return put


def _series(head, numbers, groups):
    """Reads a column of whole numbers, each place once and in order: base + unit * number, summed up if they differ."""
    bases = list(_spread(head.get("b", 0), groups))
    unit = head.get("u", 1)
    if numbers is None:
        step = head.get("l", 0)
        return lambda place, group: bases[group] + step * place
    if not head.get("d"):
        return lambda place, group: bases[group] + unit * numbers[place]

    def summed(place, group):
        bases[group] = value = bases[group] + unit * numbers[place]
        return value

    return summed


def _written(form, scales, fixed):
    """How a whole number becomes what the row says."""
    if form == "amount":
        return lambda value, group: _decimal(value, scales[group], fixed)
    if form != "number":
        return lambda value, group: value
    powers = [10**scale for scale in scales]

    def number(value, group):
        power = powers[group]
        return value / power if value % power else value // power

    return number


def _cell(given):
    return given[0] if given else _ABSENT


def _own(value):
    """A value that no other row shares."""
    return copy.deepcopy(value) if isinstance(value, (dict, list)) else value


def _is_flat(value):
    return isinstance(value, dict) and not any(isinstance(member, (dict, list)) for member in value.values())


def _per_group(values):
    if all(map(_is_flat, values)):
        return lambda place, group: values[group].copy()
    return lambda place, group: _own(values[group])


def _dictionary(cells, places):
    values = [_cell(given) for given in cells]
    if any(isinstance(value, (dict, list)) for value in values):
        return lambda place, group: _own(values[places[place]])
    return lambda place, group: values[places[place]]


def _listed(cells):
    return lambda place, group: _cell(cells[place])


def _coded(codes):
    """Ids that follow from the row, as the number that says how."""
    if codes is None:
        return lambda place, group: 1
    return lambda place, group: codes[place]


def _with_exceptions(read, head):
    if "x" not in head:
        return read
    cells = {given[0]: _cell(given[1:]) for given in head["x"]}

    def excepted(place, group):
        value = read(place, group)
        return cells[place] if place in cells else value

    return excepted


def _spread(given, groups):
    return given if isinstance(given, list) else [given] * groups


def _decimal(units, scale, fixed):
    if scale == 0:
        return str(units)
    digits = str(abs(units)).rjust(scale + 1, "0")
    fraction = digits[-scale:] if fixed else digits[-scale:].rstrip("0")
    whole = ("-" if units < 0 else "") + digits[:-scale]
    return whole + "." + fraction if fraction else whole


@lru_cache(maxsize=4096)
def _quoted(text):
    """JSON as RFC 8785 spells it."""
    return json.dumps(text, ensure_ascii=False)


_FIELDS = (
    "seq,available_at,decision_at,valid_until,exchange,symbol,ticker,security_type,market,intent,side,quantity,"
    "target_quantity,order_type,time_in_force,limit_price,stop_price,stop_loss,stop_loss_pct,take_profit,"
    "take_profit_pct,strategy_id,model_id,confidence,features,version,signal_id"
)
_ORDER = {"order_type": "type", "time_in_force": None, "limit_price": None, "stop_price": None}
_PROTECT = ("stop_loss", "stop_loss_pct", "take_profit", "take_profit_pct")
_QUANTCONNECT = ("ticker", "security_type", "market")
_ESCAPE = pattern("%u([0-9A-F]{4})|%([0-9A-F]{2})")


class _Lines:
    """The readable form: a line of column names, then one line for each row."""

    def __init__(self, body):
        names, found, rest = body.decode("utf-8").partition("\n")
        if not found or names != _FIELDS:
            raise BundleError("the columns are not those of version 1")
        self._lines = rest.split("\n")
        if self._lines.pop() != "":
            raise BundleError("the last line has no end")
        self.count = len(self._lines)
        self._names = _FIELDS.split(",")

    def available(self, at):
        return _milliseconds_of(self._lines[at].split(",", 2)[1])

    def row(self, at):
        fields = self._lines[at].split(",")
        if len(fields) != len(self._names):
            raise BundleError("line %d has %d fields, not %d" % (at + 3, len(fields), len(self._names)))
        row = {"order": {}, "protect": {}, "quantconnect": {}}
        for name, field in zip(self._names, fields):
            if field != "":
                _put(row, name, field)
        return row


def _put(row, name, field):
    value = "" if field == "%" else _ESCAPE.sub(_unescape, field)
    if name in _ORDER:
        row["order"][_ORDER[name] or name] = value
    elif name in _PROTECT:
        row["protect"][name] = value
    elif name in _QUANTCONNECT:
        row["quantconnect"][name] = value
    elif name in ("seq", "version"):
        row[name] = int(value)
    elif name == "confidence":
        row[name] = json.loads(value)
    elif name == "features":
        row[name] = _features(field)
    else:
        row[name] = value


def _features(field):
    if field == "%":
        return {}
    members = (member.split("=", 1) for member in field.split(";"))
    return {_ESCAPE.sub(_unescape, name): json.loads(_ESCAPE.sub(_unescape, value)) for name, value in members}


def _unescape(found):
    return chr(int(found.group(1) or found.group(2), 16))


def _instant(milliseconds):
    minute = milliseconds // 60000
    rest = milliseconds - 60000 * minute
    if rest == 0:
        return _minute(minute) + "00.000Z"
    text = str(100000 + rest)
    return _minute(minute) + text[1:3] + "." + text[3:] + "Z"


@lru_cache(maxsize=4096)
def _minute(minute):
    return (_EPOCH + timedelta(minutes=minute)).isoformat()[:17]


def _milliseconds_of(instant):
    return _milliseconds(datetime.strptime(instant, "%Y-%m-%dT%H:%M:%S.%fZ"))


def _milliseconds(time):
    if isinstance(time, datetime):
        if time.tzinfo is not None:
            time = time.astimezone(timezone.utc).replace(tzinfo=None)
        return (time - _EPOCH) // timedelta(milliseconds=1)
    if isinstance(time, int) and not isinstance(time, bool):
        return time
    raise TypeError("a time is a datetime, or whole milliseconds since 1970")
