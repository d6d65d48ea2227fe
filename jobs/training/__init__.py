"""How a candidate is made: fitting, search, calibration, baselines, export."""
