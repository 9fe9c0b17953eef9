"""The package's private JupyterLab, for tests: this checkout's kernels, and no way off this
machine.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from warp_cortex import fetch_model, is_fetched

from warpviz.bench.browser import lab_server
from warpviz.bench.browser.lab_server import PATIENCE_S, wait_until

__all__ = ["PATIENCE_S", "Server", "environment", "start_server", "wait_until"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass
class Server(lab_server.Server):
    """A JupyterLab whose server and kernels write down what they tried to reach outside this
    machine.
    """

    def foreign_connections(self) -> str:
        """Return what was tried; empty when nothing."""
        log = self.home / "network.log"
        return log.read_text(encoding="utf-8") if log.exists() else ""


def environment(home: Path) -> dict[str, str]:
    """Return the environment of the server and its kernels: this checkout, a private home with the
    models that this machine has, no network.
    """
    if is_fetched("smollm2"):
        models = home / ".cache" / "warpviz" / "models"
        models.parent.mkdir(parents=True, exist_ok=True)
        models.symlink_to(fetch_model("smollm2").parent)
    paths = [str(HERE / "offline"), str(ROOT / "engine"), str(ROOT)]
    ours = {"PYTHONPATH": os.pathsep.join(paths), "WARPVIZ_NETWORK_LOG": str(home / "network.log")}
    return {**lab_server.environment(home), **ours}


def start_server(home: Path, root: Path) -> Server:
    """Start JupyterLab on `root` and return it once it answers."""
    started = lab_server.start_server(home, root, env=environment(home))
    return Server(started.root, started.home, started.port, started.process, started.token)
