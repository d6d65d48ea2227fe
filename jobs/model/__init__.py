"""What training and validation are made of: windows, fitting, calibration, export, reports."""
