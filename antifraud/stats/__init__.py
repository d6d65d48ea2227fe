"""The statistics of gate and threshold: pure, on counts and amounts."""
