"""Documents refer only to files, names and headings that exist."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
# A changelog names files as they were called at the time.
DOCUMENTS = [name for name in TRACKED.split() if name != "CHANGELOG.md"]
FILE = re.compile(r"\b((?:antifraud|bench|dags|docs|infra|jobs|serving|tests)/[\w./-]+\.(?:md|py|sh|svg))(?:::(\w+))?")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


def anchors(text):
    """Return the anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_a_document_names_exist(name):
    """A document names only files that exist, and after two colons only names that occur in the file."""
    text = (ROOT / name).read_text()
    named = [(path, member) for path, member in FILE.findall(text) if not path.startswith("docs/images")]
    lost = [path for path, _ in named if not (ROOT / path).exists()]
    unknown = [f"{path}::{member}" for path, member in named if member and path not in lost and
               not re.search(rf"\b{member}\b", (ROOT / path).read_text())]  # fmt: skip

    assert (lost, unknown) == ([], [])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_of_a_document_lead_somewhere(name):
    """Links lead to files that exist relative to the document, and to headings in them."""
    document = ROOT / name
    broken = []
    for path, anchor in LINK.findall(document.read_text()):
        target = (document.parent / path) if path else document
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            broken.append(f"{path}#{anchor}")

    assert broken == []


def test_headings_become_anchors():
    """An anchor is the heading in lower case, without punctuation and with hyphens for spaces."""
    assert anchors("# A page\n\ntext\n\n## PASS, FAIL, INFEASIBLE\n") == {"a-page", "pass-fail-infeasible"}
