"""The switch as a pure machine, and the evidence that throws it."""
