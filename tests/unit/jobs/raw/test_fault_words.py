"""The unusable rows of a day are explained by the first one, wherever it is, and by numbers of rows."""

import datetime as dt

from antifraud.lake.raw_defects import DEFECTS, DUPLICATE
from antifraud.lake.raw_lines import HEADER
from jobs.raw.faults import Fault, add_fault, counts_in_words, first_in_words
from jobs.raw.files import RawFile
from jobs.raw.rows import LINE_BITS

DAY = dt.date(2026, 3, 1)
INDEX = {(defect.reason, defect.column): index for index, defect in enumerate(DEFECTS)}
CUSTOMER, COLUMNS = INDEX["customer_invalid", "customer_id"], INDEX["unparsable", None]


def files(folder):
    """Return two files of one row and one spoilt row each, in the order in which they were judged."""
    found = []
    for day, spoilt in (
        (DAY, "2,2026-03-01 00:00:02,6123456789012345678,7,1.50,2,0,0,0"),
        (DAY + dt.timedelta(1), "3;4"),
    ):
        path = folder / f"{day}.txt"
        path.write_text(f"{HEADER}\n1,{day} 00:00:01,5,7,1.50,1,0,0,0\n{spoilt}\n")
        found.append(RawFile(path, day, day + dt.timedelta(1)))
    return found


def test_the_first_row_of_the_first_file_is_explained(tmp_path):
    """Rows of several files and defects are counted together, and the first place in any of them is described."""
    faults = {}
    add_fault(faults, COLUMNS, Fault(4, (1 << LINE_BITS) + 3))
    add_fault(faults, CUSTOMER, Fault(2, (1 << LINE_BITS) + 9))
    add_fault(faults, CUSTOMER, Fault(1, 3))

    assert faults == {COLUMNS: (4, (1 << LINE_BITS) + 3), CUSTOMER: (3, 3)}
    assert counts_in_words(faults) == "customer_invalid 3 (customer_id 3), unparsable 4 (columns 4)"
    assert first_in_words(faults, files(tmp_path)) == (
        "2026-03-01.txt, line 3: customer_id: 19 digits found, 1 to 18 digits expected"
    )


def test_a_repeated_id_is_explained_by_the_earlier_row(tmp_path):
    """A repeated id is well-formed, so the words say what is wrong with it."""
    faults = {DEFECTS.index(DUPLICATE): Fault(1, 3)}

    assert first_in_words(faults, files(tmp_path)) == (
        "2026-03-01.txt, line 3: tranaction_id: 1 digit (an earlier row of the day has it) found, an id that is new on "
        "its day expected"
    )
