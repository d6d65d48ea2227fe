"""A hand-written feed with every defect, and the rows that ingest must make of it."""

import datetime as dt
import gzip

from antifraud.lake.raw_lines import HEADER

D1, D2, D3 = (dt.date(2026, 1, day) for day in (1, 2, 3))
MIDNIGHT = 1_767_225_600  # 2026-01-01T00:00:00Z

TWO_DAYS = [  # the first file, which covers D1 and D2; the header is line 1
    "0,2026-01-01 00:00:00,0,0,70.91,0,0,0,0",  # 2
    "1,2026-01-01 06:51:03,5,711,70.9,24663,0,1,2",  # 3
    "2,2026-01-01 07:00:00,5,Err,70,25200,0,0,0",  # 4
    "3,2026-01-01 07:00:01,5,,70,25201,0,0,0",  # 5
    "4,2026-01-01 07:00:02,-999999,7,70,25202,0,0,0",  # 6
    "5,2026-01-01 07:00:03,5,7,0.00,25203,0,0,0",  # 7
    "6,2026-01-01 07:00:04,5,7,-3,25204,0,0,0",  # 8
    "1,2026-01-01 08:00:00,6,8,1,28800,0,0,0",  # 9
    "7,2026-01-01 09:00:00,5,7,1.234,32400,0,0,0",  # 10
    "8,2026-01-01 09:0",  # 11
    "9,2026-01-01 09:00:00,5,7,12,32401,0,0,0",  # 12
    "x,2026-01-01 09:00:00,5,7,12,32400,0,0,0",  # 13
    "10,2026-01-01 24:00:00,5,7,10000000.00,86400,0,0,0",  # 14
    "11,2026-01-02 00:00:00,5,7,10000000.01,86400,1,0,0",  # 15
    "12,2026-01-03 00:00:00,5,7,12,172800,2,0,0",  # 16: the day after the file's last, into which a file may overlap
    "13,2026-01-02 10:00:00,5,7,70,122400,1,2,0",  # 17
    "14,2026-01-02 10:00:00,5,7,70,122400,1,0,\r0",  # 18
    "1,2026-01-02 11:00:00,999999999999,123456789012,70,126000,1,0,0",  # 19
    "15,2026-02-30 10:00:00,5,7,70,122400,1,0,0",  # 20
    "",  # 21
    "16,2026-01-04 00:00:00,5,7,12,259200,3,0,0",  # 22
]
ONE_DAY = [  # the second file counts its seconds from its own day
    "20,2026-01-03 12:00:00,5,7,3,43200,0,0,0",  # 2
    "12,2026-01-03 00:00:00,5,7,12,0,0,0,0",  # 3: a row that the first file also has
]

CLEAN = [  # day, transaction, seconds since MIDNIGHT, customer id, terminal id, minor units
    (D1, 0, 0, 0, 0, 7_091),
    (D1, 1, 24_663, 5, 711, 7_090),
    (D2, 10, 86_400, 5, 7, 1_000_000_000),
    (D2, 1, 126_000, 999_999_999_999, 123_456_789_012, 7_000),
    (D3, 12, 172_800, 5, 7, 1_200),
    (D3, 20, 216_000, 5, 7, 300),
]
REPEATED = (D3, "2026-01-03.txt.gz", 3, "duplicate", "tranaction_id")
QUARANTINE = [  # day, line of the first file, reason, column; and `REPEATED`
    (D1, 4, "terminal_invalid", "terminal_id"),
    (D1, 5, "terminal_invalid", "terminal_id"),
    (D1, 6, "customer_invalid", "customer_id"),
    (D1, 7, "amount_not_positive", "tx_amount"),
    (D1, 8, "amount_not_positive", "tx_amount"),
    (D1, 9, "duplicate", "tranaction_id"),
    (D1, 10, "unparsable", "tx_amount"),
    (D1, 11, "unparsable", None),
    (D1, 12, "unparsable", "tx_datetime"),
    (D1, 13, "unparsable", "tranaction_id"),
    (D1, 20, "unparsable", "tx_datetime"),
    (D1, 21, "unparsable", None),
    (D2, 22, "outside_file", "tx_datetime"),
    (D2, 15, "unparsable", "tx_amount"),
    (D2, 17, "unparsable", "tx_fraud"),
    (D2, 18, "unparsable", "tx_fraud_scenario"),
]


def write_feed(folder):
    """Write both files. The second is compressed and has no line feed at its end."""
    (folder / "2026-01-01.txt").write_bytes("\n".join([HEADER, *TWO_DAYS, ""]).encode())
    (folder / "2026-01-03.txt.gz").write_bytes(gzip.compress("\n".join([HEADER, *ONE_DAY]).encode()))
