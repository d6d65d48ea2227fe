"""Making a candidate: fitting, search, calibration, baselines, export."""
