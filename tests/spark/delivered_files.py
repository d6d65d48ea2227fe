"""Raw files of one day in the forms in which the world delivers them, and the rows of the plain form."""

import datetime as dt
import gzip

from antifraud.lake.raw_lines import HEADER

MARK = b"\xef\xbb\xbf"
ROWS = 40
MIDNIGHT = dt.time(tzinfo=dt.UTC)


def rows(day, count=ROWS, base=0):
    """Return the fields of usable rows of a day; the file counts its seconds from `base` seconds after midnight."""
    start = dt.datetime.combine(day, MIDNIGHT)
    found = []
    for number in range(count):
        second = base + 7 + number * 60
        printed = start + dt.timedelta(seconds=second)
        found.append(
            [
                f"{day.toordinal()}{number:04}", f"{printed:%Y-%m-%d %H:%M:%S}", "612345678901", "712345678901",
                f"{number + 1}.{number:02}", f"{second - base}", "0", f"{number % 2}", "0",
            ]
        )  # fmt: skip
    return found


def expected(day, count=ROWS, base=0):
    """Return transaction id, event time and minor units of the same rows, as `clean` has to have them."""
    start = int(dt.datetime.combine(day, MIDNIGHT).timestamp())
    return [
        (int(f"{day.toordinal()}{number:04}"), start + base + 7 + number * 60, (number + 1) * 100 + number)
        for number in range(count)
    ]


def text_of(fields, line_end=b"\n", header_end=None):
    """Return a file of these fields, with its last line ended."""
    lines = [",".join(row).encode() for row in fields]
    return HEADER.encode() + (header_end or line_end) + line_end.join(lines) + line_end


ACCEPTED = {
    "mark": lambda day: (".txt", MARK + text_of(rows(day))),
    "CRLF": lambda day: (".txt", text_of(rows(day), b"\r\n")),
    "CRLF in the body": lambda day: (".txt", text_of(rows(day), b"\r\n", b"\n")),
    "CRLF in the header": lambda day: (".txt", text_of(rows(day), b"\n", b"\r\n")),
    "mark and CRLF in an archive": lambda day: (".txt.gz", gzip.compress(MARK + text_of(rows(day), b"\r\n"))),
    "NULs at the end": lambda day: (".txt", text_of(rows(day)) + b"\0" * 5_000),
    "NULs behind the last row": lambda day: (".txt", text_of(rows(day), b"\r\n")[:-2] + b"\0" * 600),
    "no line feed at the end": lambda day: (".txt", text_of(rows(day))[:-1]),
}
"""Forms in which a day loses no row, each with the ending of its name and its bytes."""


def spoil(place, change):
    """Return a function that changes one field of a row."""
    return lambda row: [*row[:place], change(row[place]), *row[place + 1 :]]


MONEY = "a number up to 10000000.00 with a decimal point and at most two decimals expected"
TIME = "YYYY-MM-DD hh:mm:ss, the time that tx_time_seconds tells expected"
REFUSED = {
    "trailing comma": (
        21, "10 columns (the last one is empty) found, 9 columns expected", "columns 40", lambda row: [*row, ""]
    ),
    "decimal comma": (
        21, "10 columns (a decimal comma in tx_amount) found, 9 columns expected", "columns 40",
        spoil(4, lambda text: text.replace(".", ",")),
    ),
    "semicolons": (
        21, "1 column (semicolons between them) found, 9 columns expected", "columns 40", lambda row: [";".join(row)]
    ),
    "quoted fields": (
        21, "tranaction_id: a quoted text found, 1 to 18 digits expected", "tranaction_id 40",
        lambda row: [f'"{text}"' for text in row],
    ),
    "milliseconds": (
        21, f"tx_datetime: a time with fractions of a second found, {TIME}", "tx_datetime 40", spoil(1, "{}.000".format)
    ),
    "zone": (21, f"tx_datetime: a time with a zone found, {TIME}", "tx_datetime 40", spoil(1, "{}+03:00".format)),
    "columns swapped": (
        21, "tx_time_seconds: a number with 2 decimals found, 1 to 10 digits expected", "tx_time_seconds 40",
        lambda row: [*row[:4], row[5], row[4], *row[6:]],
    ),
    "quoted amounts": (23, f"tx_amount: a quoted text found, {MONEY}", "tx_amount 40", spoil(4, '"{}"'.format)),
    "three decimals": (
        23, f"tx_amount: a number with 3 decimals found, {MONEY}", "tx_amount 40", spoil(4, "{}0".format)
    ),
    "customers with a letter": (
        23, "customer_id: a text of 13 bytes found, 1 to 18 digits expected", "customer_id 40", spoil(2, "C{}".format)
    ),
}  # fmt: skip
"""Forms that are refused: exit code, what the message says about line 2, its counts, and the change of each row."""
