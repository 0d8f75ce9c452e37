"""Pure: states, windows, outcomes and ports. Time is an argument."""
