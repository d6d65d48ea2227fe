"""The code that Spark generates for the judge of raw rows stays short enough for the JVM's compiler."""

import datetime as dt

from antifraud.keys.pseudonym import Key
from antifraud.lake.feed import RawFile
from antifraud.lake.raw_lines import HEADER
from jobs.raw.lines import read_lines
from jobs.raw.rows import judge_rows
from jobs.raw.tokens import hide

DAYS = [dt.date(2026, 1, day) for day in (1, 2)]
LONGEST = 8_000
"""Bytes; the JVM interprets a longer method, and each defect of a row makes the method of the judge longer."""


def test_every_generated_method_is_compiled(spark, tmp_path):
    """All defects, both tokens and the repaired time fit into methods below the limit."""
    path = tmp_path / "2026-01-01.txt"
    path.write_text(f"{HEADER}\n0,2026-01-01 00:00:00,0,0,70.91,0,0,0,0\n")
    lines, _ = read_lines(spark, [path])
    hidden = hide(spark, Key("k7", b"0123456789abcdef0123456789abcdef"))
    judged = judge_rows(spark, lines, [RawFile(path, DAYS[0], DAYS[0], DAYS[1])], dict.fromkeys(DAYS, hidden))
    judged.collect()  # the plan is final once it has run

    debug = getattr(getattr(spark._jvm.org.apache.spark.sql.execution.debug, "package$"), "MODULE$")
    generated = debug.codegenStringSeq(judged._jdf.queryExecution().executedPlan())
    sizes = [generated.apply(place)._3().maxMethodCodeSize() for place in range(generated.size())]

    assert max(sizes) > LONGEST / 2
    assert max(sizes) <= LONGEST
