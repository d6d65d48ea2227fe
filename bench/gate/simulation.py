"""Simulate how the gate keeps its promises (about an hour): ``make bench-gate``."""

from bench.gate.comparison import comparison_figures
from bench.gate.concentrated import concentrated_figures, rare_loss_figures
from bench.gate.loss import loss_figures
from bench.gate.shapes import power_figures, violation_figures
from bench.gate.year import release_figures, year_figures

if __name__ == "__main__":
    violation_figures(repetitions=2_000)
    power_figures(repetitions=1_000)
    loss_figures(repetitions=2_000)
    comparison_figures(repetitions=2_000)
    concentrated_figures(repetitions=2_000)
    rare_loss_figures(repetitions=400)
    year_figures(years=1_000)
    release_figures(years=40)
