"""What an algorithm may rely on when it reads a bundle. Run by test/algorithm/bundle.test.ts."""

import json
import sys
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "algorithm"))

from bundle import Bundle, BundleError, TooEarly  # noqa: E402

GOLDEN = json.loads((ROOT / "test" / "golden" / "wire.json").read_text("utf-8"))["bundle"]
FORMATS = ("planes", "csv")
FIRST = datetime(2026, 11, 20, 8, 0, 0, 120000)


class Reading(unittest.TestCase):
    def test_the_golden_texts_hold_the_golden_rows(self):
        for form in FORMATS:
            bundle = Bundle(GOLDEN[form])
            self.assertEqual(bundle.due(datetime(2030, 1, 1)), GOLDEN["rows"], form)
            self.assertEqual(len(bundle), len(GOLDEN["rows"]))
            self.assertIsNone(bundle.next_at)

    def test_rows_come_out_once_each_when_their_time_has_come(self):
        for form in FORMATS:
            bundle = Bundle(GOLDEN[form])
            self.assertEqual(bundle.due(FIRST - timedelta(milliseconds=1)), [])
            self.assertEqual([row["seq"] for row in bundle.due(FIRST)], [1287])
            self.assertEqual(bundle.due(FIRST), [])
            self.assertEqual(bundle.next_at, 1795161600121)
            self.assertEqual([row["seq"] for row in bundle.due(1795161600121)], [1288])

    def test_a_time_with_a_zone_is_that_moment(self):
        east = timezone(timedelta(hours=5))
        bundle = Bundle(GOLDEN["csv"])
        self.assertEqual(len(bundle.due(FIRST.replace(tzinfo=timezone.utc).astimezone(east))), 1)

    def test_a_row_is_never_given_before_its_time(self):
        for form in FORMATS:
            bundle = Bundle(GOLDEN[form])
            with self.assertRaisesRegex(TooEarly, "is available at 2026-11-20T08:00:00.120Z"):
                bundle.take(FIRST - timedelta(milliseconds=1))
            self.assertEqual(bundle.take(FIRST)["seq"], 1287)

    def test_time_does_not_go_backwards(self):
        bundle = Bundle(GOLDEN["planes"])
        bundle.due(FIRST)
        with self.assertRaisesRegex(TooEarly, "time went backwards"):
            bundle.due(FIRST - timedelta(milliseconds=1))

    def test_a_time_is_a_datetime_or_whole_milliseconds(self):
        for wrong in (1.5, "2026-11-20", None, True):
            with self.assertRaises(TypeError):
                Bundle(GOLDEN["csv"]).due(wrong)

    def test_members_of_one_row_are_not_those_of_another(self):
        rows = Bundle(GOLDEN["planes"]).due(datetime(2030, 1, 1))
        rows[0]["quantconnect"]["ticker"] = "changed"
        rows[0]["order"]["type"] = "changed"
        self.assertEqual(rows[1:], GOLDEN["rows"][1:])


class Refusing(unittest.TestCase):
    def test_a_failed_download_fails_the_backtest(self):
        for text in ("", None, b"bytes", '{"detail":"Invalid API key"}', "<html>\n</html>\n", "#v=1\n", "\n", "{}\n"):
            with self.assertRaises(BundleError):
                Bundle(text)
        with self.assertRaises(BundleError):
            Bundle()

    def test_a_text_that_was_changed_anywhere_after_its_first_line_is_refused(self):
        for form in FORMATS:
            text = GOLDEN[form]
            for at in range(text.index("\n") + 1, len(text), 7):
                with self.assertRaises(BundleError):
                    Bundle(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])

    def test_a_text_that_was_cut_is_refused(self):
        for form in FORMATS:
            for end in (1, 50, GOLDEN[form].index("\n") + 1, len(GOLDEN[form]) - 1):
                with self.assertRaises(BundleError):
                    Bundle(GOLDEN[form][:end])

    def test_a_wrong_count_is_refused(self):
        count = len(GOLDEN["rows"])
        with self.assertRaisesRegex(BundleError, "rows"):
            Bundle(GOLDEN["planes"].replace('"rows":%d' % count, '"rows":%d' % (count + 1), 1))
        with self.assertRaisesRegex(BundleError, "rows"):
            Bundle(GOLDEN["csv"].replace("rows=%d" % count, "rows=%d" % (count - 1), 1))

    def test_a_later_version_is_refused(self):
        with self.assertRaisesRegex(BundleError, "version 1"):
            Bundle(GOLDEN["csv"].replace("#v=1", "#v=2", 1))

    def test_all_parts_are_needed_once(self):
        one, two = GOLDEN["parts"]
        self.assertEqual(Bundle(two, one).due(datetime(2030, 1, 1)), GOLDEN["rows"])
        for given in ((one,), (two,), (one, one), (one, two, two), (one, GOLDEN["csv"])):
            with self.assertRaises(BundleError):
                Bundle(*given)


if __name__ == "__main__":
    unittest.main()
