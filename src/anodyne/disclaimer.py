"""The sentence on every page, screen and report that could touch a person."""

DISCLAIMER = "Research software, not a medical device."
"""What Anodyne is, and what it is not."""
