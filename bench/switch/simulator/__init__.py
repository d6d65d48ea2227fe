"""A deterministic simulation of guard, store, clocks, labels and crashes: everything follows from one seed."""
