"""xraybench: the open benchmark for recognition models on customs X-ray scans.

Nothing heavy is imported here, so that `xraybench --help` answers at once.
"""

__version__ = "0.1.0"
