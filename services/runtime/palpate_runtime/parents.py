"""Children that do not outlive whoever started them.

A parent that is killed with `kill -9` can stop nobody any more.  What it leaves behind keeps a port and a data folder,
and a second Redis on the same append-only file would destroy it.  Linux can tell the children; elsewhere they stay.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def ends_with_us(by: signal.Signals = signal.SIGTERM) -> Callable[[], None] | None:
    """What `subprocess` has to call in the child (`preexec_fn`) so that it gets this signal when we die.

    "We" are the thread that starts it: one that ends takes its children with it.
    """
    if _LIBC is None:
        return None
    parent, told = os.getpid(), int(by)

    def ask() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, told)
        if os.getppid() != parent:
            # It died before we could ask.
            os.kill(os.getpid(), told)

    return ask
