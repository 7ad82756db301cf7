"""Pages in processes that begin with the libraries imported.

Importing papermill, torch and the like takes half of a short page's time. Python's fork server
imports them once for a build; what runs a page is a fork of it, and so is the page's kernel.
"""

import multiprocessing
import os
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Thread
from typing import ClassVar

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from stflow_lib.training.memory import end_with

LIBRARIES = [
    *("papermill.cli", "jupytext", "ipykernel.kernelapp", "matplotlib_inline.backend_inline"),
    *("torch", "xarray", "sklearn.ensemble", "numba"),
]


def prepare(environment: dict[str, str]) -> None:
    """Start the server under `environment`, unless it runs: threads are set up at import."""
    ours = dict(os.environ)
    os.environ.update(environment)
    try:
        multiprocessing.get_context("forkserver").set_forkserver_preload(LIBRARIES)
        forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(ours)


def start(
    call: Sequence[str], log: Path, environment: dict[str, str], folder: Path
) -> ForkServerProcess:
    """Papermill with the arguments `call` in a process of its own that writes to `log`."""
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=_papermill, args=(call, log, environment, folder))
    process.start()
    return process


def _papermill(
    call: Sequence[str], log: Path, environment: dict[str, str], folder: Path
) -> None:
    _move(environment, folder)
    with log.open("w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    Forked.waiting = Waiting()
    Thread(target=_end_with_the_build, daemon=True).start()
    factory = KernelProvisionerFactory.instance(default_provisioner_name="forked")
    factory.provisioners["forked"] = EntryPoint("forked", f"{__name__}:Forked", "")
    from papermill.cli import papermill

    try:
        papermill(list(call))
    finally:
        Forked.waiting.outbox.close()  # a kernel that was never asked for ends


def _end_with_the_build() -> None:
    """The server, whose child this process is, goes on while it has children."""
    build = multiprocessing.parent_process()
    assert build is not None
    build.join()
    os._exit(1)


def _move(environment: dict[str, str], folder: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)


class Waiting:
    """A fork of this process, made while it has one thread, that becomes a kernel when asked.

    To its provisioner it is what `subprocess.Popen` is to others.
    """

    stdin = stdout = stderr = None

    def __init__(self):
        inbox, self.outbox = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("fork")
        self.process = context.Process(target=_kernel, args=(inbox, self.outbox, os.getpid()))
        self.process.start()
        inbox.close()
        self.pid = self.process.pid

    def poll(self) -> int | None:
        """The exit status, None while it runs."""
        return self.process.exitcode

    def wait(self) -> int | None:
        """The exit status, waited for."""
        self.process.join()
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        """As `os.kill`; nothing when it has ended."""
        if self.poll() is None:
            os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End it, whatever it does."""
        self.process.kill()

    def terminate(self) -> None:
        """Ask it to end."""
        self.process.terminate()


def _kernel(inbox: Connection, outbox: Connection, parent: int) -> None:
    end_with(parent)
    outbox.close()
    try:
        connection_file, environment, folder = inbox.recv()
    except EOFError:
        return
    _move(environment, folder)
    import matplotlib
    import torch
    from ipykernel.kernelapp import IPKernelApp

    matplotlib.use("module://matplotlib_inline.backend_inline")
    if "OMP_NUM_THREADS" in environment:
        torch.set_num_threads(int(environment["OMP_NUM_THREADS"]))
    sys.argv = ["ipykernel_launcher", "-f", connection_file]
    IPKernelApp.launch_instance()


class Forked(LocalProvisioner):
    """Gives a notebook the kernel that waits, in place of starting a Python for it."""

    waiting: ClassVar[Waiting]

    async def launch_kernel(self, cmd: list[str], **kwargs) -> dict:
        """Tell the waiting process where the connection file is, which environment to take."""
        self.process, self.pid = self.waiting, self.waiting.pid
        self.cwd = kwargs.get("cwd", Path.cwd())
        self.waiting.outbox.send((self.parent.connection_file, kwargs["env"], self.cwd))
        return self.connection_info
