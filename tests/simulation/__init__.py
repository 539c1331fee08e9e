"""What the simulation does, on runs small enough for a test."""
