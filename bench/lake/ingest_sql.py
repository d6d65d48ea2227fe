"""An independent ingest in DuckDB's SQL, from the raw text to `clean`, `labels` and `quarantine`."""

import datetime as dt
from pathlib import Path
from typing import Final

from antifraud.keys.pseudonym import Key, load_active_key
from antifraud.lake.feed import discover
from antifraud.lake.schemas import RAW
from antifraud.settings.core import JobSettings
from jobs.raw.tokens import PADS, pad_key

AT_24: Final = "tx_datetime LIKE '% 24:00:00'"
NATURAL: Final = "[0-9]{1,18}"
REPEATED: Final = """
    CREATE TABLE repeated AS SELECT day, transaction_id FROM judged WHERE usable GROUP BY ALL HAVING count(*) > 1"""
REPEATS: Final = """
    CREATE TABLE repeats AS SELECT place FROM (
        SELECT judged.rowid AS place, row_number() OVER (PARTITION BY day, transaction_id ORDER BY event_time) AS copy
        FROM judged JOIN repeated USING (day, transaction_id) WHERE usable
    ) WHERE copy > 1"""
KEPT: Final = "CREATE VIEW kept AS SELECT * FROM judged WHERE usable AND rowid NOT IN (SELECT place FROM repeats)"
WRITES: Final = {
    "clean": """day, transaction_id, event_time, customer, terminal, amount FROM kept
        ORDER BY day, event_time, transaction_id""",
    "labels": """day, transaction_id, CASE WHEN is_fraud THEN 'fraud' ELSE 'legitimate' END AS status, scenario
        FROM kept ORDER BY day, transaction_id""",
    "quarantine": "* FROM judged WHERE NOT usable",
}


def statements(settings: JobSettings, target: Path) -> list[str]:
    """Return the statements in their order; `target` gets a folder for each table.

    Lines with too few columns are left out.
    """
    [file] = discover(settings.raw_path)
    base = int(dt.datetime.combine(file.first, dt.time(), dt.UTC).timestamp())
    judged = _judged(_parsed(file.path, base), load_active_key(settings.keyring_path))
    copies = [
        f"COPY (SELECT {query}) TO '{target / name}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (day))"
        for name, query in WRITES.items()
    ]
    target.mkdir(parents=True)
    return [judged, REPEATED, REPEATS, KEPT, *copies]


def _parsed(file: Path, base: int) -> str:
    names = ", ".join(f"'{column.name}': 'VARCHAR'" for column in RAW.columns)
    return f"""
        SELECT {_shaped("tranaction_id", NATURAL, "BIGINT")} AS transaction_id,
            {base} + {_shaped("tx_time_seconds", "[0-9]{1,10}", "BIGINT")} AS event_time,
            epoch(try_strptime(CASE WHEN {AT_24} THEN left(tx_datetime, 10) || ' 00:00:00' ELSE tx_datetime END,
                '%Y-%m-%d %H:%M:%S'))::BIGINT + CASE WHEN {AT_24} THEN 86400 ELSE 0 END AS printed,
            {_shaped("customer_id", NATURAL, "BIGINT")} AS customer_id,
            {_shaped("terminal_id", NATURAL, "BIGINT")} AS terminal_id,
            ({_shaped("tx_amount", "-?[0-9]{1,10}([.][0-9]{1,2})?", "DECIMAL(12, 2)")} * 100)::BIGINT AS amount,
            {_shaped("tx_time_days", "-?[0-9]{1,9}", "INTEGER")} AS days,
            CASE WHEN tx_fraud IN ('0', '1') THEN tx_fraud = '1' END AS is_fraud,
            {_shaped("tx_fraud_scenario", "[0-9]{1,2}", "INTEGER")} AS scenario
        FROM read_csv('{file}', columns={{{names}}}, header=true, delim=',', quote='', escape='', ignore_errors=true,
            auto_detect=false)"""


def _judged(parsed: str, key: Key) -> str:
    return f"""
        CREATE TABLE judged AS
        SELECT * EXCLUDE (customer_id, terminal_id), make_timestamp(event_time * 1000000)::DATE AS day,
            {_token(key, "customer")}, {_token(key, "terminal")},
            coalesce(transaction_id >= 0 AND printed = event_time AND customer_id >= 0 AND terminal_id >= 0
                AND amount > 0 AND days IS NOT NULL AND is_fraud IS NOT NULL AND scenario >= 0, false) AS usable
        FROM ({parsed})"""


def _token(key: Key, kind: str) -> str:
    inner, outer = (f"unhex('{pad_key(key.secret, pad).hex()}')" for pad in PADS.values())
    digest = f"sha256({outer} || unhex(sha256({inner} || encode('{kind}:' || {kind}_id::VARCHAR))))"
    return f"'{key.key_id}.' || translate(left(base64(unhex(left({digest}, 32))), 22), '+/', '-_') AS {kind}"


def _shaped(name: str, digits: str, kind: str) -> str:
    return f"CASE WHEN regexp_full_match({name}, '{digits}') THEN {name}::{kind} END"
