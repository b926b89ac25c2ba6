"""Anodyne plans, simulates, delivers, records and evaluates magnetic stimulation for chronic pain.

Research software, not a medical device.
"""

__version__ = "0.1.0"
