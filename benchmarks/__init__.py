"""What is fast, measured side by side: printed by ``make bench``, never asserted in a test."""
