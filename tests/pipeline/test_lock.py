"""Children end with the run that started them, even when it was gone before they first looked."""

import subprocess
import sys

LINGER = "import time; from pipeline.lock import die_with_parent; die_with_parent({parent}); time.sleep(60)"


def test_a_child_whose_parent_is_gone_before_it_starts_ends() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    late = subprocess.run([sys.executable, "-c", LINGER.format(parent=gone.pid)], timeout=30, check=False)
    assert late.returncode == 1
