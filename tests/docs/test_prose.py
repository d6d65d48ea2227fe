"""Every document and Python file of the project keeps the mechanical rules of prose."""

import pytest

from docs.prose import LONGEST_SENTENCE, ROOT, blocks, broken_rules, project_files, sentences, violations


@pytest.mark.parametrize("path", project_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_sentences_of_the_project_are_plain(path):
    """No document, docstring, comment or error message breaks a rule, and no file is exempt."""
    assert [str(each) for each in violations(path)] == []


def words(count):
    return " ".join(["word"] * count) + "."


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (words(LONGEST_SENTENCE), []),
        (words(36), ["36 words"]),
        ("Read `a long call(with, many, words)` and 1,000.5 rows a day/night.", []),
        ("What was written is kept.", ["opens with 'What'"]),
        ("Who waits is served.", ["opens with 'Who'"]),
        ("Of two runs the later holds.", ["opens with 'Of'"]),
        ("That is all.", ["opens with 'That'"]),
        ("What should you do?", []),
        ("Whatever happens, the day is published again.", []),
        ("Close the file, lest it is lost.", ["says 'lest'"]),
        ("A file whose name is long is refused.", ["says 'whose name is long is'"]),
        ("Keep those that are new.", ["says 'those that'"]),
        ("Other columns are let be.", ["says 'are let be'"]),
        ("A minute, give or take a second.", ["says 'give or take'"]),
    ],
)
def test_a_rule_finds_what_it_forbids(sentence, expected):
    """Long sentences, forbidden openings and phrases are found; code counts as one word, and questions are free."""
    assert list(broken_rules(sentence)) == expected


def test_a_text_is_split_into_sentences():
    """Code, links and abbreviations do not end a sentence; a bracket or a quotation mark may follow its end."""
    text = 'Run `make test. Now`. See [the page](a.md. B) (e.g. Here). "It is done." Last one'

    assert sentences(text) == ["Run x.", "See the page (x Here).", '"It is done."', "Last one"]


MARKDOWN = """# What a heading says is no sentence

First line
goes on.

- What an item says
- ends here

| What | a cell |
| --- | --- |

```
What code says
```

    What indented code says
"""


def test_a_document_is_read_by_its_parts():
    """Paragraphs, list items and table cells are read, but headings and code are left out."""
    read = [text for _, text in blocks(MARKDOWN, 1) if "---" not in text]

    assert read == ["First line goes on.", "What an item says", "ends here", "What", "a cell"]


PYTHON = '''"""What the module is."""

# What a comment says
# goes on here.
CODE = "What a string says"


def read(path):
    """Read a file.

        What an indented command says

    >>> read("What an example says")
    "What its result says"

    Args:
        path: What is read.
            It exists.

    Raises:
        ValueError: Who knows.
    """
    raise ValueError(f"What {path} says")  # noqa: EM102
'''


def test_a_python_file_is_read_where_people_read(tmp_path):
    """Docstrings, comments and error texts are read, each with its line; code and examples are left out."""
    path = tmp_path / "module.py"
    path.write_text(PYTHON)

    assert [(each.line, each.text) for each in violations(path)] == [
        (1, "What the module is."),
        (3, "What a comment says goes on here."),
        (23, "What x says"),
    ]
