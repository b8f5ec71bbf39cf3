"""What leaves the house: ``release/<period>/`` for the public, the release ledger, and the scanner that guards both.

``release`` is the whole of it; ``scan`` looks through any folder.
"""

from __future__ import annotations

from commlab.release.publish import Released, release
from commlab.release.scanner import scan

__all__ = ["Released", "release", "scan"]
