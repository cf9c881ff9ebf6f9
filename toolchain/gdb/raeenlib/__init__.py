# SPDX-License-Identifier: MIT
"""What the gdb commands of raeen.py are made of."""
