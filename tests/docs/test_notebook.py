"""The notebook runs from top to bottom on a small lake, and is committed without outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_committed_without_outputs(path):
    """The notebook is committed without outputs, which would carry data into the repository."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]

    assert cells
    assert [cell.outputs for cell in cells] == [[]] * len(cells)
    assert [cell.execution_count for cell in cells] == [None] * len(cells)


@pytest.mark.filterwarnings("ignore")
def test_first_look_runs(judged, monkeypatch):
    """The notebook prints both verdicts on the small lake's candidate and draws three figures."""
    _, settings, candidate, _ = judged
    monkeypatch.setenv("ANTIFRAUD_HOME", str(settings.home))
    for name in ("train", "select", "certify", "label_delay"):
        monkeypatch.setenv(f"ANTIFRAUD_{name.upper()}_DAYS", str(getattr(settings, f"{name}_days")))
    notebook = nbformat.read(ROOT / "notebooks" / "01_first_look.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()

    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "".join(output.get("text", "") for output in outputs)
    assert f"{candidate.id} PASS" in text
    assert "at the full service's volume: INFEASIBLE" in text
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
